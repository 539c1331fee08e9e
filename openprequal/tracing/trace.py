"""What is known of one request's trace while the request is under way?"""

from collections.abc import Callable

from openprequal.forwarding.journey import Attempt, Journey
from openprequal.tracing.trace_context import TraceContext, trace_lines


class Trace:
    """In :attr:`~openprequal.forwarding.journey.Journey.trace` of each request, if requests are traced."""

    __slots__ = ("_bits", "link", "parent_id", "sampled", "span_id", "state", "trace_id")

    def __init__(
        self,
        trace_id: int,
        parent: TraceContext | None,
        *,
        sampled: bool,
        link: TraceContext | None,
        bits: Callable[[int], int],
    ) -> None:
        """
        :param parent: what the request came with; None: the trace begins here.
        :param link: what it came with, if that is not believed.
        :param bits: so many random ones.
        """
        self.trace_id = trace_id
        self.span_id = bits(64) or 1
        """Of the span of the request itself."""
        self.parent_id = 0 if parent is None else parent.span_id
        """0: the trace begins here."""
        self.state = b"" if parent is None else parent.state
        self.sampled = sampled
        self.link = link
        self._bits = bits

    def lines(self, attempt: Attempt) -> bytes:
        """The fields that tell the backend of *attempt* what its own spans belong under."""
        if not attempt.span_id:
            attempt.span_id = self._bits(64) or 1
        return trace_lines(self.trace_id, attempt.span_id, sampled=self.sampled, state=self.state)


def trace_of(journey: Journey) -> Trace | None:
    """The trace of *journey*; None: requests are not traced."""
    trace = journey.trace
    return trace if isinstance(trace, Trace) else None
