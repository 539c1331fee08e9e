"""How often is looked at what may have taken too long? As often as the shortest time-out wants, at little cost.

No request has a timer of its own: all connections are gone through again and again.
"""

from collections.abc import Callable, Iterable
from typing import Final

TICK_S: Final = 0.05
SELDOM_S: Final = 0.5
PRECISION: Final = 0.1
"""Of a time-out, by which it may be exceeded."""
MOST_OF_TIME: Final = 0.02
"""Where going through all takes a larger share of the time than this, it is done less often."""


def interval_for(timeouts_s: Iterable[float | None]) -> float:
    """Seconds between two looks, for time-outs of that length; None: there is none."""
    return min([SELDOM_S, *(PRECISION * each for each in timeouts_s if each is not None)])


class Sweep:
    """Calls *expire* every :attr:`interval_s`, to the nearest :data:`TICK_S`."""

    def __init__(self, now: Callable[[], float], expire: Callable[[], None], interval_s: float) -> None:
        self.interval_s = interval_s
        self._now = now
        self._expire = expire
        self._next_at = float("-inf")

    def tick(self) -> None:
        """Called every :data:`TICK_S`."""
        now = self._now()
        if now >= self._next_at:
            self._expire()
            took_s = self._now() - now
            self._next_at = now + max(self.interval_s, took_s / MOST_OF_TIME) - TICK_S / 2
