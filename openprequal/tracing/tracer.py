"""Which trace is a request of, and is it recorded? Asked at its head; told on at its end."""

from collections.abc import Callable
from typing import Final

from openprequal.forwarding.journey import Journey
from openprequal.tracing.trace import Trace, trace_of
from openprequal.tracing.trace_context import trace_context

_RANDOM_BITS: Final = 56
"""Of a trace id, its last: those by which OpenTelemetry samples, too."""
_RANDOM: Final = (1 << _RANDOM_BITS) - 1


class Tracer:
    """A :class:`~openprequal.forwarding.journey.Witness` that lets each request be part of a trace."""

    def __init__(
        self,
        believes: Callable[[str], bool],
        ratio: float,
        bits: Callable[[int], int],
        tell: Callable[[Journey, Trace], None],
    ) -> None:
        """
        :param believes: whether clients of an address say which trace a request is of, and whether it is recorded.
        :param ratio: share of all other requests that are recorded.
        :param bits: so many random ones.
        :param tell: is handed each request that is recorded, when it is over; immediate.
        """
        self._believes = believes
        self._least = round((1 - ratio) * (_RANDOM + 1))
        self._bits = bits
        self._tell = tell

    def began(self, journey: Journey) -> None:
        request, bits = journey.request, self._bits
        told = trace_context(request.head_fields)
        if told is not None and self._believes(request.client):
            trace = Trace(told.trace_id, told, sampled=told.sampled, link=None, bits=bits)
        else:
            trace_id = bits(128) or 1
            sampled = trace_id & _RANDOM >= self._least
            trace = Trace(trace_id, None, sampled=sampled, link=told, bits=bits)
        journey.trace = trace
        journey.lines = trace.lines

    def ended(self, journey: Journey) -> None:
        trace = trace_of(journey)
        if trace is not None and trace.sampled:
            self._tell(journey, trace)
