"""When was that, by the wall clock? A line's time, made of the monotonic one of its journey."""

import time
from collections.abc import Callable
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Stamps:
    """Both in UTC. What a second begins with is made once, and then it is looked whether the wall clock was set."""

    __slots__ = ("_common", "_iso", "_now", "_offset_s", "_second", "_wall_clock")

    def __init__(self, now: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        """:param wall_clock: seconds since the epoch."""
        self._now = now
        self._wall_clock = wall_clock
        self._offset_s = wall_clock() - now()
        self._second = -1
        self._iso = self._common = ""

    def iso(self, at: float) -> str:
        """``2026-11-24T12:00:00.123Z`` (RFC 3339)."""
        at += self._offset_s
        second = int(at)
        if second != self._second:
            self._turn(second)
        return f"{self._iso}{int((at - second) * 1000):03d}Z"

    def common(self, at: float) -> str:
        """``24/Nov/2026:12:00:00 +0000``, as in the Common Log Format."""
        second = int(at + self._offset_s)
        if second != self._second:
            self._turn(second)
        return self._common

    def _turn(self, second: int) -> None:
        self._second = second
        self._offset_s = self._wall_clock() - self._now()
        year, month, day, hour, minute, of_minute, *_ = time.gmtime(second)
        clock = f"{hour:02d}:{minute:02d}:{of_minute:02d}"
        self._iso = f"{year}-{month:02d}-{day:02d}T{clock}."
        self._common = f"{day:02d}/{_MONTHS[month - 1]}/{year}:{clock} +0000"
