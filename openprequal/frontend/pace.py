"""Is a client too slow? Bytes moved in a window of time, looked at by the sweep for time-outs, without a timer.

That any byte moves keeps no connection alive for ever: one a minute would. Only time in which the client is waited for
counts: whoever has nothing to send or to take, as in a long poll, is not slow.
"""

from openprequal.frontend.limits import Limits


class Pace:
    """How fast one direction of a connection moves, from when it is first looked at."""

    __slots__ = ("_moved", "_since")

    def __init__(self, now: float, moved: int) -> None:
        """:param moved: bytes so far, from any beginning; what counts is by how many it grows."""
        self._since = now
        self._moved = moved

    def is_too_slow(self, now: float, moved: int, limits: Limits) -> bool:
        """Called from time to time: has less moved than the limit allows in a window that has ended now?"""
        elapsed_s = now - self._since
        rate = limits.min_rate_bytes
        if rate is None or elapsed_s < limits.rate_window_s:
            return False
        too_slow = moved - self._moved < rate * elapsed_s
        self._since = now
        self._moved = moved
        return too_slow
