"""WindowAverage: what was the average of a value over the last minutes, in constant memory?"""

SLOTS = 10
"""The window moves on in steps of a tenth; finer would only cost memory."""


class WindowAverage:
    """The mean of the values added during the last *window_s* seconds (the last nine to ten tenths of it).

    For people and dashboards only: the balancers' estimate must not look minutes back.
    """

    __slots__ = ("_counts", "_slot_s", "_sums", "_tenths")

    def __init__(self, window_s: float) -> None:
        """:raises ValueError: *window_s* is not positive."""
        if window_s <= 0:
            raise ValueError(f"a window must be longer than nothing: {window_s}")
        self._slot_s = window_s / SLOTS
        self._tenths = [-SLOTS] * SLOTS
        self._sums = [0.0] * SLOTS
        self._counts = [0] * SLOTS

    def add(self, value: float, now: float) -> None:
        """Count *value* as seen at *now* (seconds of whatever clock the caller always uses)."""
        tenth = int(now / self._slot_s)
        slot = tenth % SLOTS
        if self._tenths[slot] != tenth:
            self._tenths[slot] = tenth
            self._sums[slot] = 0.0
            self._counts[slot] = 0
        self._sums[slot] += value
        self._counts[slot] += 1

    def average(self, now: float) -> float | None:
        """The mean at *now*; None if nothing was added within the window."""
        oldest = self._oldest(now)
        total, count = 0.0, 0
        for tenth, added, values in zip(self._tenths, self._sums, self._counts, strict=True):
            if tenth >= oldest:
                total += added
                count += values
        return total / count if count else None

    def count(self, now: float) -> int:
        """How many values the mean at *now* is of."""
        oldest = self._oldest(now)
        return sum(count for tenth, count in zip(self._tenths, self._counts, strict=True) if tenth >= oldest)

    def _oldest(self, now: float) -> int:
        return int(now / self._slot_s) - SLOTS + 1
