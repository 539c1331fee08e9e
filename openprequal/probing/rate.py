"""How many of something now, so that a fractional rate holds in the limit?"""

import math


class FractionalRate:
    """Turns *rate* things per query into whole numbers, each its floor or its ceiling.

    Deterministic, as the paper has it (section 4, "probing rate"): after k queries exactly ``floor(k * rate)`` were
    given out. ``int()`` of the rate would lose the fraction, and all of a rate below 1.
    """

    __slots__ = ("_floor", "_fraction", "_owed")

    def __init__(self, rate: float) -> None:
        """:param rate: things per query; not negative.
        :raises ValueError: it is negative or not finite.
        """
        if not (math.isfinite(rate) and rate >= 0):
            raise ValueError(f"a rate must be finite and not negative: {rate!r}")
        self._floor = int(rate)
        self._fraction = rate - self._floor
        self._owed = 0.0

    def next(self) -> int:
        """The number for the next query."""
        if not self._fraction:
            return self._floor
        # A hair of tolerance: ten times 0.1 is a little less than 1 in binary.
        self._owed += self._fraction
        if self._owed >= 1.0 - 1e-9:
            self._owed -= 1.0
            return self._floor + 1
        return self._floor
