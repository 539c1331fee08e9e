"""An exchange that asks a second backend when the first takes long, and takes the response that comes first."""

from typing import Final

from twisted.internet.defer import Deferred

from openprequal.errors import GatewayError
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.retry import may_be_repeated
from openprequal.forwarding.route import Route
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.http1.response import ResponseHead
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.upstream.connection import UpstreamConnection
from openprequal.values import Backend, Ending, Outcome

_CANCELLED: Final = Outcome(Ending.CANCELLED, None, None)
_TOO_SLOW: Final = Outcome(Ending.TIMEOUT, None, None)


class Hedge:
    """The second attempt, from the moment it is made; once it is taken, what comes goes to the exchange.

    It has an in-flight count of its own, given back once: by itself if it is lost or cancelled, else by the exchange.
    """

    __slots__ = ("_connecting", "_exchange", "_over", "connection", "member", "sent_at", "taken")

    def __init__(self, exchange: "HedgedExchange", member: Member) -> None:
        self.member = member
        self.connection: UpstreamConnection | None = None
        self.sent_at = 0.0
        self.taken = False
        self._exchange = exchange
        self._connecting: Deferred[object] | None = None
        self._over = False

    def start(self) -> None:
        """Send the request."""
        self._exchange.service.assign(self.member)
        origin = self._exchange.request.origin
        connection = self.member.connections.take(origin)
        if connection is not None:
            self._send(connection)
            return
        connecting = self.member.connections.connect(self._send, self._connect_failed, origin)
        if self.connection is None and not self._over:
            self._connecting = connecting

    def cancel(self) -> None:
        """It is wanted no longer."""
        self._end(_CANCELLED)

    def _send(self, connection: UpstreamConnection) -> None:
        self._connecting = None
        self.connection = connection
        self.sent_at = self._exchange.send_hedge(self, connection)

    def _connect_failed(self, reason: Exception) -> None:
        self._connecting = None
        self._end(Outcome(Ending.CONNECT_FAILED, None, None))

    def _end(self, outcome: Outcome) -> None:
        if self._over or self.taken:
            return
        self._over = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self.connection is not None:
            self.connection.abort()
        self._exchange.hedge_over(self, outcome)
        self._exchange.service.free(self.member, outcome)

    # As its connection's receiver.

    def response_started(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        if head.status >= 500 and not self.taken:
            # The first may still do better.
            self._end(Outcome(Ending.RESPONSE, head.status, None))
            return
        if not self.taken:
            self._exchange.take(self, _TOO_SLOW)
        self._exchange.response_started(head, chunk, ended)

    def response_more(self, chunk: bytes) -> None:
        self._exchange.response_more(chunk)

    def response_ended(self, trailers: list[Field]) -> None:
        self._exchange.response_ended(trailers)

    def response_informational(self, head: ResponseHead) -> None:
        if self.taken:
            self._exchange.response_informational(head)

    def response_switched(self, head: ResponseHead, data: bytes) -> None:
        if self.taken:
            self._exchange.response_switched(head, data)
        else:
            self._end(Outcome(Ending.BROKEN, None, None))

    def upstream_lost(self, reason: Exception) -> None:
        if self.taken:
            self._exchange.upstream_lost(reason)
        else:
            self._end(Outcome(Ending.BROKEN, None, None))

    def upstream_congested(self) -> None:
        """The request was sent whole."""

    def upstream_drained(self) -> None:
        """See ``upstream_congested``."""


class HedgedExchange(Exchange):
    """An :class:`Exchange` of a service that hedges; without a :class:`~openprequal.routing.lateness.Lateness` there it
    is an :class:`Exchange`.

    A request is hedged once, where it may be repeated and is whole, and within the budget of the retries. The loser is
    cancelled. If that is the second, it says nothing about its backend; the first was too slow, and if that did not
    count, nobody would notice a backend that never answers.
    """

    __slots__ = ("_began_waiting_at", "_hedge", "_hedged")

    def __init__(self, route: Route, client: Downstream, request: RequestHead) -> None:
        super().__init__(route, client, request)
        self._hedge: Hedge | None = None
        self._hedged = False
        self._began_waiting_at: float | None = None

    def _send(self, connection: UpstreamConnection, member: Member) -> None:
        super()._send(connection, member)
        lateness = self._service.lateness
        if lateness is not None and not self._hedged:
            self._began_waiting_at = self._sent_at
            if self._request_ended and not self.request.upgrade:
                lateness.sent(self)

    def late(self) -> None:
        """See :class:`~openprequal.routing.lateness.Waiting`."""
        member, service, now = self._member, self._service, self._route.now()
        if self._settled or self._responding or self._hedged or member is None or self._connection is None:
            return
        if not self._body_at_hand or not may_be_repeated(self.request, self._route.retries):
            return
        if not service.retry_budget.available(now):
            return
        picked = service.pick(self.request, self._tried | {member.backend.id})
        if not isinstance(picked, Backend):
            if picked is not None:
                picked.cancel()
            return
        other = service.members.get(picked.id)
        if other is None:
            return
        service.retry_budget.spend("hedge")
        self._hedged = True
        self._tried = self._tried | {picked.id}
        self._hedge = Hedge(self, other)
        self._hedge.start()

    # ---- what a hedge asks of its exchange --------------------------------------------------------------------------

    @property
    def service(self) -> Service:
        """Whose member the hedge goes to."""
        return self._service

    def send_hedge(self, hedge: Hedge, connection: UpstreamConnection) -> float:
        """Send the request on *connection* for *hedge*; when that was."""
        connection.begin(hedge, self.request.method)
        connection.send(self._message(hedge.member))
        return self._route.now()

    def take(self, hedge: Hedge, outcome: Outcome) -> None:
        """*hedge* is the attempt from now on; the one under way ends with *outcome*."""
        hedge.taken = True
        self._hedge = None
        self._end_attempt(outcome)
        self._member, self._connection = hedge.member, hedge.connection
        self._sent_at = hedge.sent_at
        self._moved_at = max(hedge.sent_at, self._moved_at)
        self._reused = False

    def hedge_over(self, hedge: Hedge, outcome: Outcome) -> None:
        """*hedge* is lost or cancelled."""
        if self._hedge is hedge:
            self._hedge = None

    # ---- the first attempt's fate decides over the hedge's ----------------------------------------------------------

    def response_started(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        self._cancel_hedge()
        lateness = self._service.lateness
        if lateness is not None and self._began_waiting_at is not None and head.status < 500:
            lateness.answered(self._route.now() - self._began_waiting_at)
        super().response_started(head, chunk, ended)

    def _try_another(self, why: str, error: GatewayError, outcome: Outcome, *, reusable: bool = False) -> bool:
        hedge = self._hedge
        if hedge is not None and hedge.connection is not None and not self._responding:
            self._last_failure = error
            self.take(hedge, outcome)
            return True
        self._cancel_hedge()
        return super()._try_another(why, error, outcome, reusable=reusable)

    def _connect_failed(self, reason: Exception) -> None:
        hedge = self._hedge
        if hedge is not None and hedge.connection is not None:
            self._connecting = None
            self.take(hedge, Outcome(Ending.CONNECT_FAILED, None, None))
        else:
            super()._connect_failed(reason)

    def _settle(self, status: int, now: float | None = None) -> None:
        # First, so that whoever is told of the end is told of all of it.
        self._cancel_hedge()
        super()._settle(status, now)

    def _cancel_hedge(self) -> None:
        if self._hedge is not None:
            self._hedge.cancel()
