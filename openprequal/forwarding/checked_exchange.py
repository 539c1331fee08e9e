"""A request that checks are asked about: it is held until they have admitted it, and begins only then.

Before that nothing of it reaches a hook, a mirror, a service or a backend; nothing but the answer to a refused one is
known of it.
"""

from collections import Counter
from collections.abc import Callable

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from openprequal.checks.authorization import AUTHORIZATION
from openprequal.checks.verdict import Admitted, Check, Reason, Refused, Verdict, unavailable
from openprequal.errors import GatewayError, NoBackend, NotAdmitted
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.exchange import CLIENT_CLOSED
from openprequal.forwarding.vouching import plain_name, vouched_for
from openprequal.forwarding.whole_response import respond_whole
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.phrases import PHRASES
from openprequal.http1.request import RequestHead

log = Logger()


@frozen
class Checking:
    """Makes the exchanges of a route that has checks."""

    make: ProxyExchange
    """Makes the exchange of a request that has been admitted."""
    checks: tuple[Check, ...]
    """All must admit a request, in this order."""
    refusals: Counter[tuple[str, str]]
    """Requests refused, by the check's name and why."""
    now: Callable[[], float]
    date: Callable[[], Field]
    counted: Callable[[RequestHead, int, float], None]
    """Told of each request that was not admitted, its status and the seconds it took."""
    sets: frozenset[bytes] = field(init=False)
    """Fields that only the checks may set, as :func:`~openprequal.forwarding.vouching.plain_name` has them."""

    @sets.default
    def _all_sets(self) -> frozenset[bytes]:
        return frozenset(plain_name(name) for check in self.checks for name in check.sets)

    def __call__(self, client: Downstream, request: RequestHead) -> ClientExchange:
        return CheckedExchange(self, client, request)


class CheckedExchange:
    """One request: what has come of it while it is judged, and then its exchange."""

    __slots__ = (
        "_admitted_with",
        "_began_at",
        "_body",
        "_checking",
        "_client",
        "_exchange",
        "_judged_by",
        "_judging",
        "_request",
        "_settled",
        "_trailers",
        "_waiting",
    )

    def __init__(self, checking: Checking, client: Downstream, request: RequestHead) -> None:
        self._checking = checking
        self._client = client
        self._request = request
        self._began_at = checking.now()
        self._exchange: ClientExchange | None = None
        self._admitted_with: list[Field] = []
        self._waiting: Deferred[Verdict] | None = None
        self._judging: Check | None = None
        self._judged_by = 0.0
        self._settled = False

    # ---- the request, from the client -------------------------------------------------------------------------------

    def start(self, body: bytes, ended: bool) -> None:
        """Ask the checks; *body* and what follows waits."""
        self._body = body
        self._trailers: list[Field] | None = [] if ended else None
        if not ended:
            self._client.pause_request()
        self._ask(0)

    def request_more(self, chunk: bytes) -> None:
        if self._exchange is not None:
            self._exchange.request_more(chunk)
        else:  # paused, but bytes read before the pause took effect still come
            self._body += chunk

    def request_end(self, trailers: list[Field]) -> None:
        # Some servers take trailers for fields like all others.
        trailers = [each for each in trailers if plain_name(each.key) not in self._checking.sets]
        if self._exchange is not None:
            self._exchange.request_end(trailers)
        else:
            self._trailers = trailers
            self._client.resume_request()  # so that a client that goes is noticed

    def client_gone(self) -> None:
        if self._exchange is not None:
            self._exchange.client_gone()
        else:
            self._settle(CLIENT_CLOSED)

    def client_congested(self) -> None:
        if self._exchange is not None:
            self._exchange.client_congested()

    def client_drained(self) -> None:
        if self._exchange is not None:
            self._exchange.client_drained()

    def refuse(self, error: GatewayError) -> None:
        if self._exchange is not None:
            self._exchange.refuse(error)
        elif not self._settled:
            self._client.respond_error(error)
            self._settle(error.status)

    def expire(self, now: float) -> None:
        if self._exchange is not None:
            self._exchange.expire(now)
        elif self._judging is not None and now > self._judged_by:
            self._refuse(self._judging, unavailable(Reason.TIMEOUT))

    def shut_down(self) -> None:
        if self._exchange is not None:
            self._exchange.shut_down()
        else:
            self.refuse(NoBackend("shutting down"))

    # ---- one check after the other ----------------------------------------------------------------------------------

    def _ask(self, turn: int) -> None:
        """Ask the check whose turn it is, and those after it, as long as each answers at once."""
        for number, check in enumerate(self._checking.checks[turn:], turn):
            try:
                verdict = check.judge(self._so_far())
            except Exception:
                verdict = _failed(check, Failure())
            if isinstance(verdict, Deferred):
                self._wait(check, verdict, number)
                return
            if not self._goes_on(check, verdict):
                return
        self._admit()

    def _so_far(self) -> RequestHead:
        """The request as the next check sees it: with what the others found out, and nothing that passes for it.

        The credentials stay; the next may be for those.
        """
        checking, found = self._checking, self._admitted_with
        if len(checking.checks) == 1:
            return self._request
        hidden = (checking.sets - {AUTHORIZATION}).union(plain_name(each.key) for each in found)
        return vouched_for(self._request, hidden, found)

    def _wait(self, check: Check, verdict: "Deferred[Verdict]", turn: int) -> None:
        self._judging = check
        self._judged_by = self._checking.now() + check.timeout_s
        self._waiting = verdict

        def judged(verdict: Verdict | Failure) -> None:
            self._waiting = self._judging = None
            if self._settled:
                return
            if isinstance(verdict, Failure):
                verdict = _failed(check, verdict)
            if self._goes_on(check, verdict):
                self._ask(turn + 1)

        verdict.addBoth(judged)

    def _goes_on(self, check: Check, verdict: Verdict) -> bool:
        if isinstance(verdict, Admitted):
            self._admitted_with += [Field(name, value) for name, value in verdict.fields]
            return True
        self._refuse(check, verdict)
        return False

    def _admit(self) -> None:
        request = vouched_for(self._request, self._checking.sets, self._admitted_with)
        exchange = self._exchange = self._checking.make(self._client, request)
        body, self._body = self._body, b""
        exchange.start(body, self._trailers == [])
        if self._trailers:
            exchange.request_end(self._trailers)

    def _refuse(self, check: Check, refused: Refused) -> None:
        self._checking.refusals[check.name, refused.reason] += 1
        status, content = refused.status, refused.content
        fields = [Field(name, value) for name, value in refused.fields]
        if content is None:
            title = PHRASES.get(status, b"").decode() or "Refused"
            self._client.respond_error(NotAdmitted(status, title), fields)
        else:
            section = FieldSection([*fields, self._checking.date()])
            respond_whole(self._client, self._request, status, section, content)
        self._settle(status)

    def _settle(self, status: int) -> None:
        """Not admitted, whatever the cause. Acts once."""
        if self._settled:
            return
        self._settled = True
        waiting, self._waiting = self._waiting, None
        self._judging = None
        now = self._checking.now()
        self._checking.counted(self._request, status, now - self._began_at)
        self._client.settled(now)
        if waiting is not None:
            waiting.cancel()


def _failed(check: Check, failure: Failure) -> Refused:
    """A check that breaks lets nobody through."""
    log.failure("check {name} failed", failure=failure, name=check.name)
    return Refused(500, Reason.UNAVAILABLE)
