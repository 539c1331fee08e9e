"""What was found out a moment ago, so that it need not be found out again: bounded, for a time, without its secrets."""

import hmac
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOST: Final = 4096


class Remembered(Generic[T]):
    """Values by what they were found out from, of which it keeps a keyed digest only."""

    __slots__ = ("_entries", "_most", "_now", "_secret")

    def __init__(self, now: Callable[[], float], secret: bytes, most: int = MOST) -> None:
        """
        :param now: monotonic seconds.
        :param secret: of this process; whoever reads its memory cannot try out passwords on the digests without it.
        :param most: values kept; a new one replaces the oldest.
        """
        self._now = now
        self._secret = secret
        self._most = most
        self._entries: dict[bytes, tuple[float, T]] = {}

    def key(self, *parts: bytes) -> bytes:
        """A digest of *parts* that no other parts have."""
        framed = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        return hmac.digest(self._secret, framed, "sha256")

    def get(self, key: bytes) -> T | None:
        """What was put there, if its time is not over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._now() < entry[0]:
            return entry[1]
        del self._entries[key]
        return None

    def put(self, key: bytes, value: T, seconds: float) -> None:
        """Remember *value* for so long; not at all if that is nothing."""
        if seconds <= 0:
            return
        self._entries.pop(key, None)
        if len(self._entries) >= self._most:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = self._now() + seconds, value

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
