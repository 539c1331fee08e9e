"""Exchange: one client request's life, from its head to its one settle.

Everything that can end it (response end, client gone, backend gone, time-out, shutdown) goes through ``_settle``; what
ends one attempt at one backend goes through ``_end_attempt``, which gives back the in-flight count. Both act once.
"""

from typing import Final

from twisted.internet.defer import Deferred

from openprequal.errors import (
    BackendTimeout,
    BadGateway,
    GatewayError,
    NoBackend,
    RequestTimeout,
    ServiceBusy,
)
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.failures import connect_failed, nothing_picked, response_broken
from openprequal.forwarding.hop_by_hop import forwardable_trailers
from openprequal.forwarding.request_head import (
    came_by_tls,
    deadline_line,
    host_line,
    render_request_head,
    takes_upgrade,
)
from openprequal.forwarding.response_head import forwarded_head
from openprequal.forwarding.retry import may_be_repeated, may_repeat_on_fresh_connection
from openprequal.forwarding.route import Route
from openprequal.http1.body import chunk as as_chunk
from openprequal.http1.body import last_chunk
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.framing import CHUNKED
from openprequal.http1.request import RequestHead
from openprequal.http1.response import ResponseHead
from openprequal.interfaces import IPending
from openprequal.routing.member import Member
from openprequal.upstream.connection import UpstreamConnection
from openprequal.upstream.own_shortage import is_own_shortage
from openprequal.values import Backend, Ending, Outcome

# As nginx logs it: the client closed the connection before there was a response.
CLIENT_CLOSED: Final = 499

_CANCELLED: Final = Outcome(Ending.CANCELLED, None, None)
_NOBODY: Final[frozenset[str]] = frozenset()
_STARTING: Final["Deferred[object]"] = Deferred()


class Exchange:
    """One client request on its way to a backend and back."""

    __slots__ = (
        "_body_at_hand",
        "_client",
        "_client_congested",
        "_congested",
        "_connecting",
        "_connection",
        "_first_body",
        "_head_latency",
        "_last_failure",
        "_member",
        "_moved_at",
        "_pending",
        "_queued_at",
        "_request_ended",
        "_request_id",
        "_responding",
        "_retries",
        "_reused",
        "_route",
        "_sent_at",
        "_service",
        "_settled",
        "_status",
        "_trailers",
        "_tried",
        "_tunnel",
        "began_at",
        "request",
    )

    def __init__(self, route: Route, client: Downstream, request: RequestHead) -> None:
        self.request = request
        self.began_at = route.now()
        self._route = route
        self._client = client
        self._service = route.service
        self._tried: frozenset[str] = _NOBODY
        self._member: Member | None = None
        self._connection: UpstreamConnection | None = None
        self._connecting: Deferred[object] | None = None
        self._pending: IPending | None = None
        self._queued_at: float | None = None
        self._settled = False
        self._responding = False
        self._tunnel = False
        self._congested = False
        self._client_congested = False
        self._status = 0
        self._head_latency: float | None = None
        self._last_failure: GatewayError | None = None
        self._retries = 0
        self._request_id = b""
        self._moved_at = self.began_at

    # ---- the request, from the client -------------------------------------------------------------------------------

    def start(self, body: bytes, ended: bool) -> None:
        """Begin, with as much of the request's body as has come; *ended*: it is whole."""
        self._first_body = body
        self._trailers: list[Field] = []
        self._request_ended = ended
        self._body_at_hand = True
        request = self.request
        if request.rendered is None:
            try:
                request.rendered = self._rendered()
            except GatewayError as error:
                self._fail(error)
                return
        if not ended:
            self._client.pause_request()
        self._pick()

    def request_more(self, chunk: bytes) -> None:
        """More of the request's body."""
        connection = self._connection
        if connection is None:
            # Paused, but bytes read before the pause took effect still come.
            self._first_body += chunk
            return
        if self._body_at_hand and len(self._first_body) + len(chunk) <= self._route.retries.body_bytes:
            self._first_body += chunk
        else:
            self._body_at_hand = False
            self._first_body = b""
        self._moved_at = self._route.now()
        connection.send(as_chunk(chunk) if self.request.length == CHUNKED and not self._tunnel else chunk)

    def request_end(self, trailers: list[Field]) -> None:
        """The request's body is whole."""
        self._request_ended = True
        self._trailers = forwardable_trailers(trailers, self._route.request_rules.subject_key)
        if self._connection is None:
            # Still paused, but nothing more of this request comes: read on, so that a client that goes is noticed.
            self._client.resume_request()
        else:
            self._moved_at = self._route.now()
            if self.request.length == CHUNKED:
                self._connection.send(last_chunk(self._trailers))

    def client_gone(self) -> None:
        """The client's connection is lost: free the backend at once."""
        if self._tunnel and self._connection is not None and self._member is not None:
            self._member.connections.finish(self._connection)
            self._connection = None
            self._end_attempt(Outcome(Ending.RESPONSE, self._status, None))
            self._settle(self._status)
        if not self._settled:
            self._end_attempt(_CANCELLED)
            self._settle(self._status or CLIENT_CLOSED)

    def client_congested(self) -> None:
        """The client reads more slowly than the backend answers."""
        self._client_congested = True
        if self._connection is not None:
            self._connection.pause()

    def client_drained(self) -> None:
        """The client takes more."""
        self._client_congested = False
        if self._connection is not None:
            self._moved_at = self._route.now()
            self._connection.resume()

    def read_less(self) -> None:
        """Each byte of the response costs the client's side much: let fewer come in one turn of the reactor."""
        if self._connection is not None:
            self._connection.read_less()

    def _rendered(self) -> bytes:
        """The head to send, as far as it does not depend on who gets it."""
        return render_request_head(self.request, self._route.request_rules, *self._route.changed(self.request))

    # ---- choosing a backend -----------------------------------------------------------------------------------------

    def _pick(self) -> None:
        self._go_to(self._service.pick(self.request, self._tried))

    def _go_to(self, picked: Backend | IPending | None) -> None:
        if picked.__class__ is Backend:
            self._attempt(picked)
        elif picked is None:
            self._nobody()
        else:
            self._pending = picked  # type: ignore[assignment]
            picked.whenPicked(self._picked)  # type: ignore[union-attr]

    def _picked(self, backend: Backend | None) -> None:
        """A balancer in sync mode has made up its mind."""
        self._pending = None
        if backend is None:
            self._nobody()
        elif self._service.has_room(backend):
            self._attempt(backend)
        else:  # it has filled up meanwhile
            self._pick()

    def _nobody(self) -> None:
        """Nobody may be picked (any more): wait for room if that is what is missing, else fail."""
        service = self._service
        if service.saturated and self._last_failure is None and service.enqueue(self):
            self._queued_at = self._route.now()
            return
        self._fail(
            nothing_picked(service=service.name, saturated=service.saturated, last_failure=self._last_failure),
        )

    def slot_free(self) -> None:
        """A backend has room: our turn in the service's queue."""
        self._queued_at = None
        self._pick()

    def _attempt(self, backend: Backend) -> None:
        member = self._service.members.get(backend.id)
        if member is None:
            self._fail(NoBackend(f"{backend.id} was picked but is no member"))
            return
        self._member = member
        self._service.assign(member)
        connection = member.connections.take(self.request.origin)
        if connection is None:
            self._connect(member)
        else:
            self._reused = True
            self._send(connection, member)

    def _connect(self, member: Member) -> None:
        if not self._request_ended:
            self._client.pause_request()
        self._reused = False
        self._connecting = _STARTING
        connecting = member.connections.connect(self._connected, self._connect_failed, self.request.origin)
        if self._connecting is _STARTING:  # it did not end at once
            self._connecting = connecting

    def _connected(self, connection: UpstreamConnection) -> None:
        self._connecting = None
        member = self._member
        assert member is not None
        self._send(connection, member)

    def _connect_failed(self, reason: Exception) -> None:
        """Nothing was sent: whatever the method, another backend may be tried."""
        self._connecting = None
        member = self._member
        assert member is not None
        self._end_attempt(_CANCELLED if is_own_shortage(reason) else Outcome(Ending.CONNECT_FAILED, None, None))
        error = self._last_failure = connect_failed(reason)
        self._tried = self._tried | {member.backend.id}
        now, budget = self._route.now(), self._service.retry_budget
        if now - self._moved_at > 2 * self._route.timeouts.connect_s or not budget.available(now):
            self._fail(error)
        else:
            budget.spend("connect")
            self._pick()

    # ---- the request, to the backend --------------------------------------------------------------------------------

    def _send(self, connection: UpstreamConnection, member: Member) -> None:
        self._connection = connection
        connection.begin(self, self.request.method)
        self._sent_at = self._moved_at = self._route.now()
        connection.send(self._message(member))
        if not self._request_ended and self._connection is connection:
            self._client.resume_request()

    def _message(self, member: Member, more: bytes = b"") -> bytes:
        """The request for that backend: its head, and what is there of its body.

        :param more: field lines beside the others.
        """
        request = self.request
        rules = self._route.request_rules
        assert request.rendered is not None
        asks = self._service.reports.asks
        host = asks if request.host and rules.keep_host else asks + host_line(member.backend)
        if rules.deadline_field is not None:
            timeouts, elapsed = self._route.timeouts, self._route.now() - self.began_at
            left = timeouts.response_s if timeouts.total_s is None else timeouts.total_s - elapsed
            host += deadline_line(request, rules.deadline_field, elapsed, left)
        request_id = self._request_id = b"" if request.brings_id else rules.request_ids()
        head = b"%b%b%b%b\r\n" % (request.rendered, host, request_id, more)
        body = self._first_body
        if request.length == CHUNKED:
            body = as_chunk(body)
            if self._request_ended:
                body += last_chunk(self._trailers)
        return head + body if body else head

    def upstream_congested(self) -> None:
        """The backend reads more slowly than the client sends."""
        self._congested = True
        self._client.pause_request()

    def upstream_drained(self) -> None:
        """The backend takes more."""
        self._congested = False
        self._moved_at = self._route.now()
        self._client.resume_request()

    # ---- the response, from the backend -----------------------------------------------------------------------------

    def response_informational(self, head: ResponseHead) -> None:
        """A 1xx head passes on, asked for or not (RFC 9110 section 15.2)."""
        self._body_at_hand = False
        self._moved_at = self._route.now()
        section = forwarded_head(head, self._route.response_rules).section
        self._client.respond_informational(head.status, head.reason, section)

    def response_started(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        """The final head is there."""
        route = self._route
        now = self._moved_at = route.now()
        latency = self._head_latency = now - self._sent_at
        rules = route.response_rules
        forwarded = forwarded_head(head, rules)
        member, connection = self._member, self._connection
        assert member is not None
        assert connection is not None
        load, echoes = connection.load, connection.echoes
        others = [*forwarded.reports, *echoes] if echoes else forwarded.reports
        report = None if forwarded.aged else self._service.reports.in_fields(load, others)
        if report is not None:
            self._service.reported(member, report, now)
        if head.status < 500:
            member.answered_at = now
        elif head.status in route.retries.statuses and self._try_another(
            "status",
            BadGateway(f"answered {head.status}"),
            Outcome(Ending.RESPONSE, head.status, latency),
            reusable=ended and self._request_ended,
        ):
            return
        self._status = head.status
        self._responding = True
        section = forwarded.section
        if route.response_edits is not None:
            section = route.response_edits.of_section(section, self.request)
        if self._service.sessions is not None and head.status < 500:
            section = self._in_session(section, member)
        if load is not None and not rules.strip_reports:
            section = section.plus(Field(b"OpenPrequal-Load", load), *echoes)
        self._respond(head, section, chunk, ended)
        if ended:
            self._response_complete(now)

    def _in_session(self, section: FieldSection, member: Member) -> FieldSection:
        """*section* of the response of *member*, whose the session is from now on; not if it has failed."""
        sessions = self._service.sessions
        assert sessions is not None
        secure = came_by_tls(self.request, self._route.request_rules)
        fields = sessions.answered(self.request, member.backend.id, secure=secure)
        return section.plus(*fields) if fields else section

    def _respond(self, head: ResponseHead, section: FieldSection, chunk: bytes, ended: bool) -> None:
        """Hand the final head to the client."""
        self._client.respond(head.status, head.reason, section, head.length, chunk, ended)

    def response_more(self, chunk: bytes) -> None:
        self._moved_at = self._route.now()
        self._client.respond_more(chunk)

    def response_ended(self, trailers: list[Field]) -> None:
        self._client.respond_end(forwardable_trailers(trailers) if trailers else trailers)
        self._response_complete(self._route.now())

    def response_switched(self, head: ResponseHead, data: bytes) -> None:
        """101: from now on a tunnel (RFC 9110 section 7.8).

        One that we did not ask for, or that does not name what it switches to, is a broken response.
        """
        asked = self.request.upgrade and takes_upgrade(self.request.upgrade) and self._request_ended
        if not asked or not head.upgrade:
            self._drop_connection()
            self.upstream_lost(ValueError("101 without an upgrade asked for, or to nothing"))
            return
        self._tunnel = True
        self._responding = True
        self._status = 101
        self._moved_at = self._route.now()
        section = forwarded_head(head, self._route.response_rules).section
        if self._service.sessions is not None and self._member is not None:
            section = self._in_session(section, self._member)
        self._client.respond_switching(section.plus(Field(b"Upgrade", head.upgrade)), data)

    def upstream_lost(self, reason: Exception) -> None:
        """The connection to the backend broke, or what came on it was not HTTP."""
        connection, self._connection = self._connection, None
        member = self._member
        if connection is None or member is None:
            return
        if may_repeat_on_fresh_connection(
            self.request.method, reused=self._reused, answered=connection.answered, body_at_hand=self._body_at_hand
        ):
            self._connect(member)
            return
        outcome = Outcome(Ending.BROKEN, self._status or None, self._head_latency)
        if self._try_another("broken", response_broken(reason), outcome):
            return
        self._end_attempt(outcome)
        if self._responding:
            self._client.abort_response()
            self._settle(self._status)
        else:
            self._fail(response_broken(reason))

    # ---- another try ------------------------------------------------------------------------------------------------

    def _try_another(self, why: str, error: GatewayError, outcome: Outcome, *, reusable: bool = False) -> bool:
        """Give the request to another backend, and end the attempt under way with *outcome*.

        :param error: what the client is told if that fails too.
        :param reusable: the connection has ended its response, and can carry another.
        :return: False if it may not be repeated, or nobody else may be picked: then nothing was done.
        """
        member, connection, service = self._member, self._connection, self._service
        rules, now = self._route.retries, self._route.now()
        if member is None or self._responding or not self._body_at_hand or self._retries >= rules.attempts:
            return False
        if not may_be_repeated(self.request, rules) or not service.retry_budget.available(now):
            return False
        tried = self._tried | {member.backend.id}
        picked = service.pick(self.request, tried)
        if picked is None:
            return False
        service.retry_budget.spend(why)
        self._retries += 1
        self._tried, self._last_failure = tried, error
        self._member = self._connection = self._head_latency = None
        self._congested = False
        self._moved_at = now
        if not self._request_ended:
            self._client.pause_request()
        # Before the other is given up: what is freed there may be taken by one that waits, and so may the room here.
        self._go_to(picked)
        if connection is not None:
            if reusable:
                member.connections.give_back(connection)
            else:
                connection.abort()
        if outcome.latency_s is not None:
            member.latency.add(outcome.latency_s, now)
        service.free(member, outcome)
        return True

    # ---- the end of the response ------------------------------------------------------------------------------------

    def _response_complete(self, now: float) -> None:
        member, connection = self._member, self._connection
        if connection is not None and member is not None:
            self._connection = None
            if self._request_ended and not self._tunnel:
                member.connections.give_back(connection)
            else:
                # An early response: the rest of the request will not be sent, so the connection is of no more use.
                connection.abort()
        self._end_attempt(Outcome(Ending.RESPONSE, self._status, self._head_latency))
        self._settle(self._status, now)

    # ---- ends -------------------------------------------------------------------------------------------------------

    def refuse(self, error: GatewayError) -> None:
        """The request turned out to be unacceptable in its body: broken framing, or over the limit."""
        self._end_attempt(_CANCELLED)
        self._give_up(error)

    def expire(self, now: float) -> None:
        """Called from time to time: has anything taken too long?"""
        timeouts = self._route.timeouts
        if self._queued_at is not None:
            if now - self._queued_at > timeouts.queue_s:
                self._fail(ServiceBusy(f"waited {timeouts.queue_s} s for a backend of {self._service.name}"))
        elif timeouts.total_s is not None and now - self.began_at > timeouts.total_s:
            self._timed_out(BackendTimeout(f"not finished after {timeouts.total_s} s"))
        elif self._connection is None:
            pass  # connecting has a time-out of its own
        elif self._responding or not self._request_ended:
            if now - self._moved_at > timeouts.stall_s:
                self._stalled(timeouts.stall_s)
        elif now - self._moved_at > timeouts.response_s:
            self._timed_out(BackendTimeout(f"no response head within {timeouts.response_s} s"))
        elif (try_s := self._route.retries.try_s) is not None and now - self._moved_at > try_s:
            error = BackendTimeout(f"no response head within {try_s} s")
            self._try_another("timeout", error, Outcome(Ending.TIMEOUT, None, None))

    def shut_down(self) -> None:
        """The gateway ends now."""
        if not self._settled:
            self._end_attempt(_CANCELLED)
            self._give_up(NoBackend("shutting down"))

    def _stalled(self, stall_s: float) -> None:
        """No byte has moved for too long: only if it was the backend's turn does that weigh against it."""
        if self._tunnel:
            self._end_attempt(Outcome(Ending.RESPONSE, self._status, None))
            self._give_up(BackendTimeout(f"tunnel idle for {stall_s} s"))
        elif self._client_congested if self._responding else not self._congested:
            self._end_attempt(_CANCELLED)
            self._give_up(RequestTimeout(f"the client stalled for {stall_s} s"))
        else:
            self._timed_out(BackendTimeout(f"body stalled for {stall_s} s"))

    def _timed_out(self, error: GatewayError) -> None:
        self._end_attempt(Outcome(Ending.TIMEOUT, self._status or None, self._head_latency))
        self._give_up(error)

    def _give_up(self, error: GatewayError) -> None:
        if self._responding:
            self._client.abort_response()
            self._settle(self._status)
        else:
            self._fail(error)

    def _fail(self, error: GatewayError) -> None:
        error.request_id = self._request_id.partition(b": ")[2].rstrip()
        self._client.respond_error(error)
        self._settle(error.status)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.abort()

    def _end_attempt(self, outcome: Outcome) -> None:
        """The attempt under way, if any, is over: its connection is dropped and its in-flight count given back."""
        member, self._member = self._member, None
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        if member is not None:
            if self._head_latency is not None:
                member.latency.add(self._head_latency, self._moved_at)
            self._service.free(member, outcome)

    def _settle(self, status: int, now: float | None = None) -> None:
        """The exchange is over, whatever ended it. Acts once."""
        if self._settled:
            return
        self._settled = True
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
        if self._queued_at is not None:
            self._service.dequeue(self)
        ended_at = self._route.now() if now is None else now
        self._service.tally.finished(self.request.method, status, ended_at - self.began_at)
        if self._route.counted is not None:
            self._route.counted(status)
        self._client.settled(ended_at)
        if pending is not None:
            self._service.pass_on()
