"""Requests that wait for checks: what gets through, what does not, and that each settles once whatever happens."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from messages import CHUNKED_POST, GET, OK, POST, content, statuses
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from openprequal.checks.verdict import Admitted, Reason, Refused, Verdict
from openprequal.forwarding.checked_exchange import Checking
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.hooked_exchange import HookedExchange, TrafficHooks
from openprequal.forwarding.route import Route
from openprequal.http1.request import RequestHead
from openprequal.interfaces import IHookRequest
from openprequal.testing.network import MemoryNetwork

ANN = Admitted(((b"X-User", b"ann"),))
NO = Refused(401, Reason.WRONG, ((b"WWW-Authenticate", b"Test"),))


class Scripted:
    """A check that says what the test wants, at once or when it is told to."""

    timeout_s = 5.0

    def __init__(
        self,
        verdict: Verdict | Exception = ANN,
        *,
        later: bool = False,
        name: str = "test",
        sets: tuple[bytes, ...] = (b"x-user",),
    ) -> None:
        self.name = name
        self.verdict = verdict
        self.sets = frozenset(sets)
        self.judged: list[RequestHead] = []
        self.cancelled = 0
        self._later = later
        self._waiting: list[Deferred[Verdict]] = []

    def judge(self, request: RequestHead) -> "Verdict | Deferred[Verdict]":
        self.judged.append(request)
        if self._later:
            waiting: Deferred[Verdict] = Deferred(self._cancel)
            self._waiting.append(waiting)
            return waiting
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    def tick(self) -> None: ...

    def finish(self) -> None:
        """Give the verdict that was waited for, if there is one."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if isinstance(self.verdict, Exception):
                each.errback(self.verdict)
            else:
                each.callback(self.verdict)

    def _cancel(self, waiting: "Deferred[Verdict]") -> None:
        self.cancelled += 1
        self._waiting.remove(waiting)


class Case:
    """A network whose requests are checked."""

    def __init__(self, *checks: Scripted, **hooks: Callable[..., object]) -> None:
        clock = Clock()
        self.checks = checks
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.refused: list[int] = []
        called = TrafficHooks(clock, 1.0, lambda name: None, **hooks)  # type: ignore[arg-type]

        def make(route: Route, client: Downstream, request: RequestHead) -> Any:
            checking = Checking(
                lambda client, request: HookedExchange(called, route, client, request),
                checks,
                self.refusals,
                clock.seconds,
                route.response_rules.date,
                lambda request, status, seconds: self.refused.append(status),
            )
            return checking(client, request)

        self.network = MemoryNetwork(clock=clock, make_exchange=make)
        self.client = self.network.client()
        self.backend = self.network.backend()

    def finish(self) -> None:
        for check in self.checks:
            check.finish()
        self.network.clock.advance(0)

    def check_settled(self, count: int = 1) -> None:
        assert self.network.in_flight == 0
        assert sum(self.network.settled.values()) + len(self.refused) == count


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def later(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def with_fields(message: bytes, *lines: bytes) -> bytes:
    return message.replace(b"\r\n\r\n", b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")


def test_an_admitted_request_goes_on_with_what_was_found_out(later: bool) -> None:
    case = Case(Scripted(later=later))
    case.client.send(GET)
    assert (case.backend.dialled == 0) is later
    case.finish()
    assert b"\r\nX-User: ann\r\n" in case.backend.received
    case.backend.answer(OK)
    assert statuses(case.client.received) == [200]
    case.check_settled()


@pytest.mark.parametrize(
    ("message", "arrives"),
    [
        (POST + b"hello", b"hello"),
        (CHUNKED_POST + b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
        (CHUNKED_POST + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("cut", [0, 3])
def test_the_body_follows_an_admitted_request(later: bool, message: bytes, arrives: bytes, cut: int) -> None:
    case = Case(Scripted(later=later))
    case.client.send(message[: len(message) - cut])
    case.finish()
    case.client.send(message[len(message) - cut :])
    case.network.clock.advance(0)
    assert content(case.backend.received) == arrives
    case.backend.answer(OK)
    case.check_settled()


def test_a_long_body_is_not_read_before_the_verdict() -> None:
    case = Case(Scripted(later=True))
    case.client.send(POST.replace(b"5", b"300000") + b"x" * 300_000)
    assert case.client.unread > 0
    case.finish()
    case.network.wait(0.1)
    assert content(case.backend.received) == b"x" * 300_000


def test_a_refused_request_never_reaches_a_backend(later: bool) -> None:
    case = Case(Scripted(NO, later=later))
    case.client.send(GET)
    case.finish()
    assert statuses(case.client.received) == [401]
    assert b"\r\nWWW-Authenticate: Test\r\n" in case.client.received
    assert b"application/problem+json" in case.client.received
    assert b"\r\nDate: " in case.client.received
    assert case.backend.dialled == 0
    assert case.refusals == {("test", Reason.WRONG): 1}
    case.check_settled()


def test_the_connection_goes_on_after_a_refusal(later: bool) -> None:
    check = Scripted(NO, later=later)
    case = Case(check)
    for message in (GET, POST + b"hello"):
        case.client.send(message)
        case.finish()
    check.verdict = ANN
    case.client.send(GET)
    case.finish()
    case.backend.answer(OK)
    assert statuses(case.client.received) == [401, 401, 200]
    case.check_settled(3)


def test_requests_sent_ahead_are_answered_in_their_order(later: bool) -> None:
    case = Case(Scripted(NO, later=later))
    case.client.send(GET + GET + GET)
    for _ in range(3):
        case.finish()
    assert statuses(case.client.received) == [401, 401, 401]
    case.check_settled(3)


def test_a_body_that_nobody_wants_ends_the_connection_after_the_answer(later: bool) -> None:
    case = Case(Scripted(NO, later=later))
    case.client.send(POST.replace(b"5", b"300000") + b"x" * 1000)
    case.finish()
    assert statuses(case.client.received) == [401]
    assert b"\r\nConnection: close\r\n" in case.client.received
    assert case.client.ended is not None
    case.check_settled()


def test_what_another_server_answered_is_passed_on_whole() -> None:
    fields = ((b"Location", b"https://login.test/"), (b"Content-Type", b"text/html"))
    case = Case(Scripted(Refused(302, Reason.WRONG, fields, b"<p>log in")))
    case.client.send(GET)
    assert statuses(case.client.received) == [302]
    assert content(case.client.received) == b"<p>log in"
    assert b"\r\nContent-Length: 9\r\n" in case.client.received
    case.client.send(b"HEAD" + GET[3:])
    assert case.client.received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("status", [204, 205, 304])
def test_an_answer_that_has_no_content_cannot_break_the_framing(status: int) -> None:
    case = Case(Scripted(Refused(status, Reason.WRONG, (), b"content")))
    case.client.send(GET + GET)
    assert statuses(case.client.received) == [status, status]
    assert b"content" not in case.client.received


def test_a_client_that_goes_while_a_check_waits_is_waited_for_no_longer() -> None:
    check = Scripted(later=True)
    case = Case(check)
    case.client.send(GET)
    case.client.close()
    assert check.cancelled == 1
    case.check_settled()
    assert case.refused == [499]
    assert case.refusals == {}


def test_a_check_that_takes_too_long_refuses() -> None:
    check = Scripted(later=True)
    case = Case(check)
    case.client.send(GET)
    case.network.wait(4.9)
    assert case.client.received == b""
    case.network.wait(1)
    assert statuses(case.client.received) == [503]
    assert check.cancelled == 1
    assert case.refusals == {("test", Reason.TIMEOUT): 1}
    case.check_settled()
    case.network.wait(10)
    case.check_settled()


def test_shutting_down_while_a_check_waits_settles() -> None:
    check = Scripted(later=True)
    case = Case(check)
    case.client.send(GET)
    case.network.site.shut_down()
    case.network.clock.advance(0)
    assert check.cancelled == 1
    assert case.client.ended is not None
    case.check_settled()


def test_a_check_that_breaks_lets_nobody_through(later: bool) -> None:
    case = Case(Scripted(KeyError("secret"), later=later))
    case.client.send(GET)
    case.finish()
    assert statuses(case.client.received) == [500]
    assert b"secret" not in case.client.received
    assert case.backend.dialled == 0
    assert case.refusals == {("test", Reason.UNAVAILABLE): 1}
    case.check_settled()


def test_all_checks_must_admit_in_their_order(later: bool) -> None:
    first = Scripted(later=later, name="first")
    second = Scripted(Admitted(((b"X-Group", b"ops"),)), name="second", later=later, sets=(b"x-group",))
    case = Case(first, second)
    case.client.send(GET)
    case.finish()
    case.finish()
    assert b"\r\nX-User: ann\r\nX-Group: ops\r\n" in case.backend.received


def test_a_check_sees_what_those_before_it_found_out_and_the_credentials(later: bool) -> None:
    first = Scripted(later=later, name="first", sets=(b"x-user", b"authorization"))
    second = Scripted(name="second", sets=(b"x-group",))
    case = Case(first, second)
    forged = (b"X-User: admin", b"X-Group: admins", b"Authorization: Bearer x")
    case.client.send(with_fields(GET, *forged))
    case.finish()
    (seen,) = second.judged
    assert [each.value for each in seen.head_fields if each.key == b"x-user"] == [b"ann"]
    assert seen.header(b"x-group") is None
    assert seen.header(b"authorization") == b"Bearer x"
    assert b"Bearer" not in case.backend.received


def test_after_one_has_refused_no_other_is_asked(later: bool) -> None:
    second = Scripted(name="second")
    case = Case(Scripted(NO, later=later, name="first"), second)
    case.client.send(GET)
    case.finish()
    assert second.judged == []
    assert case.refusals == {("first", Reason.WRONG): 1}


@pytest.mark.parametrize(
    "line",
    [
        b"X-User: admin",
        b"x-USER: admin",
        b"X_User: admin",
        b"Connection: X-User",
        b"Connection: keep-alive, x_user",
        b"Connection: close, X-User",
    ],
)
@pytest.mark.parametrize("hooks", [{}, {"request": lambda request: None}], ids=["no hooks", "hooks"])
def test_the_backend_can_believe_what_the_checks_say(line: bytes, hooks: dict[str, Callable[..., object]]) -> None:
    case = Case(Scripted(), **hooks)
    case.client.send(with_fields(GET, line))
    assert case.backend.received.lower().count(b"user: ") == 1
    assert b"\r\nX-User: ann\r\n" in case.backend.received


def test_nor_can_it_be_misled_by_a_trailer() -> None:
    case = Case(Scripted())
    case.client.send(CHUNKED_POST + b"5\r\nhello\r\n0\r\nX-User: admin\r\nX-Sum: 1\r\n\r\n")
    assert b"admin" not in case.backend.received
    assert case.backend.received.endswith(b"0\r\nX-Sum: 1\r\n\r\n")


def test_what_a_check_may_set_and_does_not_is_taken_away() -> None:
    case = Case(Scripted(Admitted()))
    case.client.send(with_fields(GET, b"X-User: admin", b"X-Other: 1"))
    assert b"X-User" not in case.backend.received
    assert b"X-Other: 1" in case.backend.received


def test_a_connection_field_of_which_nothing_is_left_ends_the_connection_no_sooner() -> None:
    case = Case(Scripted())
    for _ in range(2):
        case.client.send(with_fields(GET, b"Connection: X-User"))
        case.backend.answer(OK)
    assert statuses(case.client.received) == [200, 200]


def test_the_same_bytes_are_judged_each_time() -> None:
    check = Scripted()
    case = Case(check)
    for _ in range(3):
        case.client.send(GET)
        case.backend.answer(OK)
    assert len(check.judged) == 3
    assert case.backend.received.count(b"X-User: ann") == 3
    check.verdict = NO
    case.client.send(GET)
    assert statuses(case.client.received)[-1] == 401


def test_hooks_hear_of_admitted_requests_alone_and_of_what_was_found_out(later: bool) -> None:
    seen: list[list[tuple[bytes, bytes]]] = []

    def see(request: IHookRequest) -> None:
        seen.append(list(request.fields))

    check = Scripted(NO, later=later)
    case = Case(check, request=see)
    case.client.send(GET)
    case.finish()
    assert seen == []
    check.verdict = ANN
    case.client.send(GET)
    case.finish()
    assert (b"X-User", b"ann") in seen[0]


def test_an_upgrade_is_judged_too() -> None:
    case = Case(Scripted(NO))
    case.client.send(with_fields(GET, b"Connection: Upgrade, X-User", b"Upgrade: websocket"))
    assert statuses(case.client.received) == [401]
    assert case.backend.dialled == 0
