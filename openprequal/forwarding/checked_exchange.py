"""An exchange that asks checks first: may this request go on? Before them nothing of it reaches a hook or a backend."""

from collections import Counter

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from openprequal.checks.verdict import Admitted, Check, Reason, Refused, Verdict, unavailable
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.hooked_exchange import HookedExchange, TrafficHooks
from openprequal.forwarding.problem import problem_document
from openprequal.forwarding.route import Route
from openprequal.http1.fields import Field, list_members
from openprequal.http1.phrases import PHRASES
from openprequal.http1.request import RequestHead

log = Logger()

_WITHOUT_CONTENT = (204, 205, 304)


@frozen
class RequestChecks:
    """The checks of a route: all must admit a request, in this order."""

    checks: tuple[Check, ...]
    refusals: "Counter[tuple[str, str]]"
    """Requests refused, by the check's name and why."""
    sets: frozenset[bytes] = field(init=False)
    """Fields that only the checks may set, as :func:`_plain` has them."""

    @sets.default
    def _all_sets(self) -> frozenset[bytes]:
        return frozenset(_plain(name) for check in self.checks for name in check.sets)


class CheckedExchange(HookedExchange):
    """An exchange that begins when its checks have admitted it."""

    __slots__ = ("_admitted_with", "_checks", "_judged_by", "_judging")

    def __init__(
        self,
        checks: RequestChecks,
        hooks: TrafficHooks,
        route: Route,
        client: Downstream,
        request: RequestHead,
    ) -> None:
        super().__init__(hooks, route, client, request)
        self._checks = checks
        self._admitted_with: list[Field] = []
        self._judging: Check | None = None
        self._judged_by = 0.0

    def start(self, body: bytes, ended: bool) -> None:
        self._body = (body, [] if ended else None)
        if not ended:
            self._client.pause_request()
        self._ask(0)

    def request_end(self, trailers: list[Field]) -> None:
        # Some servers take trailers for fields like all others.
        super().request_end([each for each in trailers if _plain(each.key) not in self._checks.sets])

    def expire(self, now: float) -> None:
        if self._judging is not None and now > self._judged_by:
            check, self._judging = self._judging, None
            self._refuse(check, unavailable(Reason.TIMEOUT))
        else:
            super().expire(now)

    # ---- one check after the other ----------------------------------------------------------------------------------

    def _ask(self, turn: int) -> None:
        """Ask the check whose turn it is, and those after it, as long as each answers at once."""
        for number, check in enumerate(self._checks.checks[turn:], turn):
            try:
                verdict = check.judge(self.request)
            except Exception:
                verdict = _failed(check, Failure())
            if isinstance(verdict, Deferred):
                self._wait(check, verdict, number)
                return
            if not self._goes_on(check, verdict):
                return
        self._admit()

    def _wait(self, check: Check, verdict: "Deferred[Verdict]", turn: int) -> None:
        self._judging = check
        self._judged_by = self._route.now() + check.timeout_s
        self._waiting = verdict  # type: ignore[assignment]  # so that it is cancelled when the exchange ends

        def judged(verdict: Verdict | Failure) -> None:
            self._waiting = None
            if self._settled:
                return
            self._judging = None
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
        assert self._body is not None
        body, trailers = self._body
        self.request = _vouched_for(self.request, self._checks.sets, self._admitted_with)
        super().start(body, trailers == [])
        if trailers and not self._settled:
            super().request_end(trailers)

    def _refuse(self, check: Check, refused: Refused) -> None:
        self._checks.refusals[check.name, refused.reason] += 1
        fields = [Field(name, value) for name, value in refused.fields]
        content = refused.content
        if refused.status in _WITHOUT_CONTENT:
            content = b""
        elif content is None:
            about, content = problem_document(refused.status, PHRASES.get(refused.status, b"Refused").decode())
            fields = [*about, *fields]
        else:
            fields.append(Field(b"Content-Length", b"%d" % len(content)))
        self._answer_locally(refused.status, fields, content)


def _failed(check: Check, failure: Failure) -> Refused:
    """A check that breaks lets nobody through."""
    log.failure("check {name} failed", failure=failure, name=check.name)
    return Refused(500, Reason.UNAVAILABLE)


def _plain(name: bytes) -> bytes:
    """As CGI and what descends from it (WSGI) see a name: without a difference between ``-`` and ``_``."""
    return name.lower().replace(b"_", b"-")


def _vouched_for(request: RequestHead, sets: frozenset[bytes], fields: list[Field]) -> RequestHead:
    """*request* with *fields* and nothing of the client's in their places.

    Nor may the client name them in Connection, by which it would have them taken away before the backend.
    """
    if not sets and not fields:
        return request
    kept: list[Field] = []
    for each in request.head_fields:
        if each.key == b"connection":
            members = [member for member in list_members(each.value) if _plain(member) not in sets]
            each = Field(each.name, b", ".join(members))
        if _plain(each.key) not in sets:
            kept.append(each)
    return request.changed(request.target, [*kept, *fields])
