"""May one more probe be afforded now?"""

_MOST_PER_SECOND = 1e9


class ProbeBudget:
    """At most *per_second* probes a second, with a tenth of a second's worth in hand.

    A probe costs this process some 50 µs of CPU, so the default of 1000 a second keeps probing to 5 % of a core
    however many requests there are; reports on responses go on for free.
    """

    __slots__ = ("_at_s", "_capacity", "_left", "_per_second")

    def __init__(self, per_second: float) -> None:
        # Infinite is allowed, but not countable.
        self._per_second = min(per_second, _MOST_PER_SECOND)
        self._capacity = max(1.0, self._per_second / 10)
        self._left = self._capacity
        self._at_s: float | None = None

    def left(self, now_s: float) -> int:
        """How many may be sent now."""
        if self._at_s is not None:
            self._left = min(self._capacity, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        return int(self._left)

    def spend(self, count: int) -> None:
        """So many were used up."""
        self._left -= count
