"""Which certificate is for the name that a client asks for (SNI, RFC 6066 section 3)?"""

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class ServerNames(Generic[T]):
    """What was given for each name; exact ones go before wildcards, and the first before what follows."""

    def __init__(self, default: T, given: Iterable[tuple[T, Iterable[str]]]) -> None:
        """:param default: for names that nothing was given for, and for clients that name none."""
        self._default = default
        self._exact: dict[str, T] = {}
        self._below: dict[str, T] = {}
        for each, names in given:
            for name in names:
                # A wildcard stands for one label, the leftmost (RFC 9525 section 6.3).
                if name.startswith("*."):
                    self._below.setdefault(name[2:], each)
                else:
                    self._exact.setdefault(name, each)

    def find(self, name: str | None) -> T:
        """What is for *name*, as a client wrote it; anything may stand there."""
        if not name:
            return self._default
        host = name.lower().rstrip(".")
        found = self._exact.get(host)
        if found is None:
            found = self._below.get(host.partition(".")[2], self._default)
        return found
