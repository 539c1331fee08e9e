"""An exchange that writes down its attempts in its request's journey.

Each method in the way of a request costs it twice a call, so that few are here, and what the exchange keeps anyway is
taken from it when an attempt is over.
"""

from typing import Final

from openprequal.errors import GatewayError
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.hedged_exchange import Hedge, HedgedExchange
from openprequal.forwarding.hooked_exchange import HookedExchange, TrafficHooks
from openprequal.forwarding.journey import HEDGE, Attempt, Journey
from openprequal.forwarding.route import Route
from openprequal.http1.request import RequestHead
from openprequal.routing.member import Member
from openprequal.upstream.connection import UpstreamConnection
from openprequal.values import Backend, Outcome

_ID_NAME: Final = len(b"X-Request-Id: ")


class _Recorded(Exchange):
    """What is written down, whether there are hooks or not."""

    __slots__ = ()

    _journey: Journey

    def slot_free(self) -> None:
        self._end_wait()
        super().slot_free()

    def client_gone(self) -> None:
        self._end_wait()
        super().client_gone()

    def _fail(self, error: GatewayError) -> None:
        self._end_wait()
        super()._fail(error)

    def _end_wait(self) -> None:
        """It waits for room no longer, whether there is some or not."""
        if self._queued_at is not None and not self._settled:
            self._journey.queued_s += self._route.now() - self._queued_at

    def _attempt(self, backend: Backend) -> None:
        journey = self._journey
        attempt = journey.attempt = self._new_attempt(backend)
        journey.attempts.append(attempt)
        journey.sending = attempt
        super()._attempt(backend)

    def _new_attempt(self, backend: Backend) -> Attempt:
        return Attempt(backend, self._service.last_reason, self._route.now())

    def _message(self, member: Member, more: bytes = b"") -> bytes:
        journey = self._journey
        attempt = journey.sending
        if attempt is not None:
            attempt.reused = self._reused
            attempt.sent_at = self._sent_at
            if journey.lines is not None:
                more += journey.lines(attempt)
        message = super()._message(member, more)
        if journey.request_id is None:
            # A hook may have brought one that the client did not.
            journey.request_id = self._request_id[_ID_NAME:-2] or self.request.header(b"x-request-id")
        return message

    def _try_another(self, why: str, error: GatewayError, outcome: Outcome, *, reusable: bool = False) -> bool:
        attempt = self._journey.attempt
        if not super()._try_another(why, error, outcome, reusable=reusable):
            return False
        if attempt is not None:
            attempt.end(outcome, self._route.now(), outcome.latency_s)
        return True

    def _end_attempt(self, outcome: Outcome) -> None:
        attempt = self._journey.attempt
        if attempt is not None and attempt.outcome is None:
            attempt.end(outcome, self._route.now(), self._head_latency)
        super()._end_attempt(outcome)


class _RecordedHedges(_Recorded, HedgedExchange):
    """The same of one that may have a second attempt beside the first."""

    __slots__ = ()

    def send_hedge(self, hedge: Hedge, connection: UpstreamConnection) -> float:
        journey, now = self._journey, self._route.now()
        attempt = journey.hedge = journey.sending = Attempt(hedge.member.backend, HEDGE, now)
        journey.attempts.append(attempt)
        sent_at = attempt.sent_at = super().send_hedge(hedge, connection)
        attempt.reused = False
        journey.sending = journey.attempt
        return sent_at

    def take(self, hedge: Hedge, outcome: Outcome) -> None:
        super().take(hedge, outcome)
        journey = self._journey
        journey.attempt = journey.sending = journey.hedge
        journey.hedge = None

    def hedge_over(self, hedge: Hedge, outcome: Outcome) -> None:
        journey = self._journey
        attempt, journey.hedge = journey.hedge, None
        if attempt is not None:
            attempt.end(outcome, self._route.now())
        super().hedge_over(hedge, outcome)


def of_service(client: Downstream, service: str) -> Journey:
    """The journey of *client*'s request, which is to be answered by a backend of *service*."""
    journey = client.journey
    assert journey is not None
    journey.service = service
    return journey


class RecordedExchange(_Recorded):
    """An :class:`~openprequal.forwarding.exchange.Exchange` that is written down."""

    __slots__ = ("_journey",)

    def __init__(self, route: Route, client: Downstream, request: RequestHead) -> None:
        super().__init__(route, client, request)
        self._journey = of_service(client, self._service.name)


class RecordedHedgedExchange(_RecordedHedges):
    """A :class:`~openprequal.forwarding.hedged_exchange.HedgedExchange` that is written down."""

    __slots__ = ("_journey",)

    def __init__(self, route: Route, client: Downstream, request: RequestHead) -> None:
        super().__init__(route, client, request)
        self._journey = of_service(client, self._service.name)


class RecordedHookedExchange(_RecordedHedges, HookedExchange):
    """A :class:`~openprequal.forwarding.hooked_exchange.HookedExchange` that is written down."""

    __slots__ = ("_journey",)

    def __init__(self, hooks: TrafficHooks, route: Route, client: Downstream, request: RequestHead) -> None:
        HookedExchange.__init__(self, hooks, route, client, request)
        self._journey = of_service(client, self._service.name)
