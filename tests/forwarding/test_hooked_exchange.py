"""The user's hooks in the way of a request: at once or later, and nothing they do costs more than their request."""

from collections.abc import Callable
from typing import Any

import pytest
from messages import CHUNKED_POST, GET, NO_CONTENT, OK, POST, content, statuses
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from openprequal.forwarding.hooked_exchange import TrafficHooks
from openprequal.forwarding.retry import RetryRules
from openprequal.interfaces import HookAnswer, IHookRequest, IHookResponse, IRequest
from openprequal.testing.network import MemoryNetwork


class Hooked:
    """A network with hooks, and the names of those that failed."""

    def __init__(self, **hooks: Any) -> None:
        self.clock = Clock()
        self.failed: list[str] = []
        self.network = MemoryNetwork(clock=self.clock, hooks=TrafficHooks(self.clock, 1.0, self.failed.append, **hooks))
        self.client = self.network.client()
        self.backend = self.network.backend()

    def check_settled(self) -> None:
        assert self.network.in_flight == 0
        assert sum(self.network.settled.values()) == 1


def later(hook: Callable[..., object], clock: Callable[[], Clock], delay_s: float = 0.5) -> Callable[..., object]:
    """*hook*, half a second late."""

    async def slow(*args: object) -> object:
        await deferLater(clock(), delay_s)
        return hook(*args)

    return slow


@pytest.fixture(params=["at once", "later"])
def timing(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def hooked(timing: str, **hooks: Callable[..., object]) -> Hooked:
    if timing == "at once":
        return Hooked(**hooks)
    made: list[Hooked] = []
    made.append(Hooked(**{name: later(hook, lambda: made[0].clock) for name, hook in hooks.items()}))
    return made[0]


def move(request: IHookRequest) -> None:
    request.target = b"/moved?y"
    request.fields.append((b"X-Hook", b"was here"))


def test_the_path_hook_changes_the_path_and_not_the_query(timing: str) -> None:
    case = hooked(timing, path_rewrite=lambda path: "/v1" + path)
    case.client.send(GET.replace(b"/x", b"/x?a=b"))
    case.network.wait(1)
    assert case.backend.received.startswith(b"GET /v1/x?a=b HTTP/1.1\r\n")
    case.backend.answer(OK)
    assert statuses(case.client.received) == [200]
    case.check_settled()


def test_the_request_hook_changes_target_and_fields(timing: str) -> None:
    case = hooked(timing, request=move)
    case.client.send(GET)
    case.network.wait(1)
    assert case.backend.received.startswith(b"GET /moved?y HTTP/1.1\r\n")
    assert b"X-Hook: was here\r\n" in case.backend.received


def test_a_client_cannot_have_the_hooks_fields_taken_away(timing: str) -> None:
    case = hooked(timing, request=move)
    case.client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive, X-Hook, X-Mine\r\nX-Mine: 1\r\n\r\n"))
    case.network.wait(1)
    assert b"\r\nX-Hook: was here\r\n" in case.backend.received
    assert b"X-Mine" not in case.backend.received


def test_hooks_act_on_every_request_though_its_bytes_are_the_same() -> None:
    numbers = iter(range(9))

    def count(request: IHookRequest) -> None:
        request.fields.append((b"X-Number", b"%d" % next(numbers)))

    case = Hooked(request=count)
    for number in range(3):
        case.client.send(GET)
        assert b"X-Number: %d\r\n" % number in case.backend.connection.news()
        case.backend.answer(OK)


@pytest.mark.parametrize(
    ("request_bytes", "arrives"),
    [
        (POST + b"hello", b"hello"),
        (CHUNKED_POST + b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
        (CHUNKED_POST + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ],
)
def test_the_body_follows_when_the_hook_is_done(timing: str, request_bytes: bytes, arrives: bytes) -> None:
    case = hooked(timing, request=move)
    case.client.send(request_bytes)
    case.network.wait(1)
    assert content(case.backend.received) == arrives


def test_a_body_that_comes_after_the_hook_follows_too(timing: str) -> None:
    case = hooked(timing, request=move)
    case.client.send(POST + b"he")
    case.client.send(b"ll")
    case.network.wait(1)
    case.client.send(b"o")
    assert content(case.backend.received) == b"hello"


def test_the_request_hook_may_answer_itself(timing: str) -> None:
    def answer(request: IHookRequest) -> None:
        raise HookAnswer(403, b"no", b"text/plain")

    case = hooked(timing, request=answer)
    case.client.send(GET)
    case.network.wait(1)
    assert statuses(case.client.received) == [403]
    assert content(case.client.received) == b"no"
    assert case.backend.dialled == 0
    assert case.failed == []
    assert case.client.ended is None
    case.check_settled()


def test_an_answer_of_the_request_hook_to_head_has_no_content() -> None:
    def answer(request: IHookRequest) -> None:
        raise HookAnswer(403, b"no", b"text/plain")

    case = Hooked(request=answer)
    case.client.send(b"HEAD" + GET[3:])
    assert content(case.client.received) == b""


@pytest.mark.parametrize(("status", "answered"), [(204, 204), (304, 304), (101, 500), (0, 500), (1000, 500)])
def test_an_answer_of_the_request_hook_cannot_break_the_framing(status: int, answered: int) -> None:
    def answer(request: IHookRequest) -> None:
        raise HookAnswer(status, b"body")

    case = Hooked(request=answer)
    case.client.send(GET)
    assert statuses(case.client.received) == [answered]
    assert b"body" not in case.client.received
    case.check_settled()


@pytest.mark.parametrize("name", ["path_rewrite", "request"])
def test_a_hook_before_the_backend_that_raises_is_500(timing: str, name: str) -> None:
    def bad(subject: object) -> None:
        raise KeyError("secret")

    case = hooked(timing, **{name: bad})
    case.client.send(GET)
    case.network.wait(1)
    assert statuses(case.client.received) == [500]
    assert b"secret" not in case.client.received
    assert case.backend.dialled == 0
    assert len(case.failed) == 1
    case.check_settled()


@pytest.mark.parametrize("name", ["path_rewrite", "request", "response"])
def test_a_hook_that_takes_too_long_is_500(name: str) -> None:
    case = Hooked(**{name: lambda *_: Deferred()})
    case.client.send(GET)
    if name == "response":
        case.backend.answer(OK[:-1])
    case.network.wait(0.5)
    assert case.client.received == b""
    case.network.wait(1)
    assert statuses(case.client.received) == [500]
    assert len(case.failed) == 1
    case.check_settled()


@pytest.mark.parametrize("name", ["path_rewrite", "request", "response"])
def test_a_client_that_goes_while_a_hook_waits_is_no_failure_of_the_hook(name: str) -> None:
    cancelled: list[object] = []
    case = Hooked(**{name: lambda *_: Deferred(cancelled.append)})
    case.client.send(GET)
    if name == "response":
        case.backend.answer(OK[:-1])
    case.client.close()
    assert len(cancelled) == 1
    assert case.failed == []
    case.check_settled()
    case.network.wait(5)
    assert case.failed == []


def soften(request: IRequest, response: IHookResponse) -> None:
    response.status = 404
    response.fields.append((b"X-Hook", response.backend.host.encode()))


@pytest.mark.parametrize("cut", [None, *range(0, len(OK), 7)])
def test_the_response_hook_changes_the_head_and_not_the_body(timing: str, cut: int | None) -> None:
    case = hooked(timing, response=soften)
    case.client.send(GET)
    case.backend.answer(OK, cuts=() if cut is None else (cut,))
    case.network.wait(1)
    assert statuses(case.client.received) == [404]
    assert b"X-Hook: 203.0.113.1\r\n" in case.client.received
    assert content(case.client.received) == b"hello"
    case.check_settled()
    case.client.send(GET)
    assert case.backend.dialled == 1


def test_a_chunked_response_passes_after_the_hook_with_its_trailers(timing: str) -> None:
    case = hooked(timing, response=soften)
    case.client.send(GET)
    case.backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n")
    case.backend.answer(b"3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n")
    case.network.wait(1)
    assert content(case.client.received) == b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n"
    case.check_settled()


def test_a_response_that_breaks_while_the_hook_waits_is_truncated_for_the_client(timing: str) -> None:
    case = hooked(timing, response=soften)
    case.client.send(GET)
    case.backend.answer(OK[:-1])
    case.backend.connection.close()
    case.network.wait(1)
    assert case.client.ended is not None
    assert not case.client.received.endswith(b"hello")
    case.check_settled()


def test_a_response_hook_that_raises_is_500(timing: str) -> None:
    def bad(request: IRequest, response: IHookResponse) -> None:
        raise KeyError("secret")

    case = hooked(timing, response=bad)
    case.client.send(GET)
    case.backend.answer(OK[:-1])
    case.network.wait(1)
    assert statuses(case.client.received) == [500]
    assert b"secret" not in case.client.received
    case.check_settled()


def test_the_response_hook_does_not_hear_of_1xx() -> None:
    heard: list[int] = []
    case = Hooked(response=lambda request, response: heard.append(response.status))
    case.client.send(GET)
    case.backend.answer(b"HTTP/1.1 103 Early Hints\r\n\r\n" + NO_CONTENT)
    assert heard == [204]
    assert statuses(case.client.received) == [103, 204]


def test_shutting_down_while_a_hook_waits_settles() -> None:
    case = Hooked(request=lambda _: Deferred())
    case.client.send(GET)
    case.network.site.shut_down()
    case.clock.advance(0)
    case.check_settled()
    assert case.client.ended is not None


def test_a_response_that_is_retried_is_not_the_hooks_to_see() -> None:
    seen: list[int] = []
    clock = Clock()

    def see(request: IRequest, response: IHookResponse) -> None:
        seen.append(response.status)

    hooks = TrafficHooks(clock, 1.0, lambda name: None, response=see)
    network = MemoryNetwork(2, clock=clock, hooks=hooks, retries=RetryRules(statuses=frozenset({503})))
    client = network.client()
    client.send(GET)
    network.backend(0).answer(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
    network.backend(1).answer(NO_CONTENT)
    assert statuses(client.received) == [204]
    assert seen == [204]
    assert network.in_flight == 0


def test_once_the_response_hook_has_seen_a_response_no_other_backend_is_asked() -> None:
    clock = Clock()
    hooks = TrafficHooks(clock, 1.0, lambda name: None, response=later(soften, lambda: clock))
    network = MemoryNetwork(2, clock=clock, hooks=hooks, retries=RetryRules(try_s=0.1))
    client = network.client()
    client.send(GET)
    network.backend(0).answer(OK[:-1])
    network.backend(0).connection.close()
    network.wait(1)
    assert network.backend(1).dialled == 0
    assert network.in_flight == 0


def test_a_request_hook_that_answers_may_add_fields_to_its_answer(timing: str) -> None:
    def deny(request: IHookRequest) -> None:
        raise HookAnswer(401, b"who?", fields=[(b"WWW-Authenticate", b"Basic realm=x")])

    case = hooked(timing, request=deny)
    case.client.send(GET)
    case.network.wait(1)
    assert statuses(case.client.received) == [401]
    assert b"WWW-Authenticate: Basic realm=x\r\n" in case.client.received
    assert case.network.backend().received == b""
    case.check_settled()


@pytest.mark.parametrize(
    "fields",
    [
        [(b"Content-Length", b"7")],
        [(b"Connection", b"close")],
        [(b"X-A", b"a\r\nX-B: b")],
        [(b"X A", b"")],
        [b"X-A: b"],
    ],
)
def test_an_answer_with_fields_that_may_not_be_sent_is_the_hooks_failure(fields: Any) -> None:
    def answer(request: IHookRequest) -> None:
        raise HookAnswer(200, b"", fields=fields)

    case = Hooked(request=answer)
    case.client.send(GET)
    assert statuses(case.client.received) == [500]
    case.check_settled()
