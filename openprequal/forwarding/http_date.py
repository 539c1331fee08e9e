"""The Date field of now, made once a second (RFC 9110 section 6.6.1)."""

from collections.abc import Callable
from email.utils import formatdate

from openprequal.http1.fields import Field


class HttpDate:
    """Call it for the field."""

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        """:param wall_clock: seconds since the epoch: what a Date tells is the one thing here that is not monotonic."""
        self._wall_clock = wall_clock
        self._second = -1
        self._field = Field(b"Date", b"")

    def __call__(self) -> Field:
        second = int(self._wall_clock())
        if second != self._second:
            self._second = second
            self._field = Field(b"Date", formatdate(second, usegmt=True).encode("ascii"))
        return self._field
