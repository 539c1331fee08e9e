"""Has this key had its share? Token buckets for any number of keys in bounded memory.

The generic cell rate algorithm (ITU-T I.371, as a virtual schedule): of each key only one number is kept, the moment at
which its bucket will be full again. A key that is not known has a full bucket, so that forgetting one that is full
changes nothing. Nothing else is ever forgotten. Time is cut into turns as long as an empty bucket takes to fill: a key
not seen for a whole turn is full, and all such keys go at once when the next begins. No sweep, no timer.

Who sprays keys can therefore neither grow the memory nor wash away what others have used. When there is no room, a new
key shares one of a fixed number of buckets with whoever has the same hash, which is keyed and cannot be guessed.
"""

from typing import Final

MAX_KEYS: Final = 100_000
SHARED: Final = 4096
ROUNDING_S: Final = 1e-6
"""Sums of floats are not exact; no rate is so high that this matters."""


class TokenBuckets:
    """One bucket for each key, all of one size."""

    __slots__ = (
        "__weakref__",
        "_earlier",
        "_interval_s",
        "_max_keys",
        "_now_keys",
        "_shared",
        "_slack_s",
        "_turn_at",
        "_turn_s",
    )

    def __init__(self, per_second: float, burst: int, *, max_keys: int = MAX_KEYS) -> None:
        """
        :param per_second: tokens that come into each bucket.
        :param burst: tokens that a full bucket holds.
        """
        self._interval_s = 1.0 / per_second
        self._slack_s = (burst - 1) * self._interval_s
        self._max_keys = max_keys
        # Moments at which buckets will be full: of keys seen in this turn, and of those seen in the last.
        self._now_keys: dict[object, float] = {}
        self._earlier: dict[object, float] = {}
        self._shared = [0.0] * SHARED
        self._turn_s = self._slack_s + self._interval_s
        self._turn_at = float("-inf")

    def take(self, key: object, now: float) -> float:
        """Take a token of *key*; 0.0: done; else the seconds until there is one, and nothing was taken."""
        if now >= self._turn_at:
            self._turn(now)
        keys = self._now_keys
        full_at = keys.get(key)
        if full_at is None:
            full_at = self._earlier.pop(key, None)
            if full_at is None:
                if len(keys) + len(self._earlier) >= self._max_keys:
                    return self._take_shared(hash(key) % SHARED, now)
                full_at = now
            # Kept even if there is no token: it is not full.
            keys[key] = full_at
        wait_s = full_at - now - self._slack_s
        if wait_s > ROUNDING_S:
            return wait_s
        keys[key] = (full_at if full_at > now else now) + self._interval_s
        return 0.0

    def give_back(self, key: object) -> None:
        """What :meth:`take` has just given is not used after all."""
        if key in self._now_keys:
            self._now_keys[key] -= self._interval_s
        else:
            self._shared[hash(key) % SHARED] -= self._interval_s

    def __len__(self) -> int:
        """Keys with a bucket of their own."""
        return len(self._now_keys) + len(self._earlier)

    def _turn(self, now: float) -> None:
        # After two turns without a word even an empty bucket is full.
        self._earlier = self._now_keys if now < self._turn_at + self._turn_s else {}
        self._now_keys = {}
        self._turn_at = now + self._turn_s

    def _take_shared(self, slot: int, now: float) -> float:
        full_at = max(self._shared[slot], now)
        wait_s = full_at - now - self._slack_s
        if wait_s > ROUNDING_S:
            return wait_s
        self._shared[slot] = full_at + self._interval_s
        return 0.0
