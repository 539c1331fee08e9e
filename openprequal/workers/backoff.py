"""When is a worker that ended started again? At once, but not again and again."""

from typing import Final

FIRST_S: Final = 0.5
MOST_S: Final = 30.0
WELL_S: Final = 10.0
"""Whoever ran for so long was well: its end is news, and the next start comes soon."""


class BackOff:
    """Of one worker. Each end that follows soon upon a start doubles the pause before the next one."""

    def __init__(self) -> None:
        self._pause_s = 0.0
        self._started_at = float("-inf")

    def started(self, now: float) -> None:
        """It was started."""
        self._started_at = now

    def pause_s(self, now: float) -> float:
        """It has ended: seconds until it may be started again."""
        if now - self._started_at >= WELL_S:
            self._pause_s = 0.0
            return 0.0
        self._pause_s = min(MOST_S, 2 * self._pause_s) if self._pause_s else FIRST_S
        return self._pause_s
