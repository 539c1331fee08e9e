"""What happened to one request, for those who tell of it: the access log, traces, "why did it go there?"."""

from collections.abc import Callable
from typing import Final, Protocol

from openprequal.errors import GatewayError
from openprequal.explanations import PickExplanation
from openprequal.http1.request import RequestHead
from openprequal.values import Backend, Outcome

HEDGE: Final = "hedge"
"""The reason of a second attempt beside one that takes long (``forwarding/hedged_exchange.py``)."""


class Attempt:
    """One attempt at one backend; times are in monotonic seconds."""

    __slots__ = (
        "backend",
        "began_at",
        "ended_at",
        "explanation",
        "head_at",
        "outcome",
        "reason",
        "reused",
        "sent_at",
        "span_id",
    )

    def __init__(self, backend: Backend, reason: str | None, began_at: float) -> None:
        """
        :param reason: why it was picked: a :class:`~openprequal.values.PickReason`, ``session``, or :data:`HEDGE`;
            None: the balancer does not say.
        """
        self.backend = backend
        self.reason = reason
        self.began_at = began_at
        self.reused = False
        """It was sent on a connection that was there, so that until then no time went by."""
        self.sent_at: float | None = None
        """When the request's head was sent; None: no connection could be made."""
        self.head_at: float | None = None
        """When the head of a response was there, as is known once the attempt is over; None: none came."""
        self.ended_at: float | None = None
        self.outcome: Outcome | None = None
        self.explanation: PickExplanation | None = None
        """What was believed when it was picked; None: nobody has asked (``forwarding/explained_exchange.py``)."""
        self.span_id = 0
        """Room for who traces it."""

    def end(self, outcome: Outcome, now: float, head_latency_s: float | None = None) -> None:
        """It is over, at *now*. Acts once.

        :param head_latency_s: from its request to the head of the response; None: none came.
        """
        if self.outcome is None:
            self.outcome = outcome
            self.ended_at = now
            if head_latency_s is not None and self.sent_at is not None:
                self.head_at = self.sent_at + head_latency_s


class Journey:
    """One request from its head to its end, whoever answered it; times are in monotonic seconds."""

    __slots__ = (
        "attempt",
        "attempts",
        "began_at",
        "broken",
        "ended_at",
        "error",
        "hedge",
        "lines",
        "queued_s",
        "request",
        "request_bytes",
        "request_id",
        "response_bytes",
        "route",
        "sending",
        "service",
        "status",
        "trace",
        "witness",
    )

    def __init__(self, request: RequestHead, began_at: float, witness: "Witness") -> None:
        """:param witness: is told when it is over."""
        self.witness = witness
        self.request = request
        """As it came from the client."""
        self.began_at = began_at
        self.route: str | None = None
        """Name of the route it took; None: there are no routes, or none takes it."""
        self.service: str | None = None
        """Name of the service that was to answer it; None: none was."""
        self.attempts: list[Attempt] = []
        """In the order in which they began."""
        self.attempt: Attempt | None = None
        """The one under way, or the last that was: the one that was answered, if any was."""
        self.hedge: Attempt | None = None
        """The one under way beside it."""
        self.sending: Attempt | None = None
        """The one whose request is being written."""
        self.queued_s = 0.0
        """How long it waited for a backend to have room."""
        self.request_id: bytes | None = (request.header(b"x-request-id") or b"") if request.brings_id else None
        """What it is called in ``X-Request-Id``; None: it was sent nowhere, and brought none."""
        self.request_bytes = 0
        """Of its content, as they came from the client."""
        self.status: int | None = None
        """Sent to the client; None: it went before there was one."""
        self.response_bytes = 0
        """Of the response's content."""
        self.error: GatewayError | None = None
        """Why the gateway answered in place of a backend."""
        self.broken = False
        """The response was begun, and could not be completed."""
        self.ended_at = began_at
        self.lines: Callable[[Attempt], bytes] | None = None
        """Field lines that an attempt's request has beside the others; None: none."""
        self.trace: object = None
        """Room for who traces it."""

    def end(self, now: float) -> None:
        """It is over, at *now*."""
        self.ended_at = now
        self.witness.ended(self)


class Witness(Protocol):
    """Is told of requests. Both methods are in the way of each request: they take microseconds, and never block."""

    def began(self, journey: Journey) -> None:
        """Its head is there."""

    def ended(self, journey: Journey) -> None:
        """It is over; from now on nothing of it changes."""
