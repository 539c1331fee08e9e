"""The word of another server: what it is asked, and what becomes of its answer."""

from collections.abc import Callable
from typing import Any

import pytest
from judged import SECRET, now_of, request
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from openprequal.checks.forward import ForwardCheck
from openprequal.checks.verdict import Admitted, Reason, Refused, Verdict
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.told_of import told_of


class Server(Resource):
    """Asked about requests; the last it was asked is kept."""

    isLeaf = True

    def __init__(self, answer: Callable[[Request], Any]) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[bytes, bytes, Headers]] = []

    def render(self, asked: Request) -> Any:
        self.asked.append((asked.method, asked.uri, asked.requestHeaders))
        return self.answer(asked)


def answering(status: int = 200, content: bytes = b"", **headers: bytes | list[bytes]) -> Callable[[Request], bytes]:
    def answer(asked: Request) -> bytes:
        asked.setResponseCode(status)
        for name, value in headers.items():
            asked.responseHeaders.setRawHeaders(
                name.replace("_", "-").encode(), value if isinstance(value, list) else [value]
            )
        return content

    return answer


RULES = RequestRules(pseudonym=b"gateway.test", request_ids=lambda: b"")


class Case:
    def __init__(self, answer: Callable[[Request], Any], agent: Any = None, **options: Any) -> None:
        self.clock = Clock()
        self.server = Server(answer)
        self.agent = agent or RequestTraversalAgent(self.server)
        settings: dict[str, Any] = {
            "sends": [b"cookie", b"authorization"],
            "takes": [b"X-User", b"X-Groups"],
            "passes": [b"Location", b"Set-Cookie", b"WWW-Authenticate"],
            "remember_s": 0.0,
            "remember_by": [],
            **options,
        }
        self.check = ForwardCheck(
            "portal",
            self.agent,
            b"http://auth.test/verify?app=1",
            told=lambda head: told_of(head, RULES),
            now=self.clock.seconds,
            secret=SECRET,
            timeout_s=5.0,
            **settings,
        )

    def judge(self, *field_lines: bytes, **head: Any) -> Verdict:
        return now_of(self.check.judge(request(*field_lines, **head)))


def test_the_server_is_asked_by_get_with_what_the_client_asked() -> None:
    case = Case(answering())
    case.judge(b"Content-Length: 5", b"Cookie: s=1", b"Cookie: t=2", b"X-Other: 1", method=b"POST", target=b"/a?b=c")
    ((method, uri, headers),) = case.server.asked
    assert (method, uri) == (b"GET", b"/verify?app=1")
    assert {name.lower(): values for name, values in headers.getAllRawHeaders() if name.lower() != b"connection"} == {
        b"host": [b"auth.test"],
        b"cookie": [b"s=1", b"t=2"],
        b"x-forwarded-for": [b"192.0.2.1"],
        b"x-forwarded-proto": [b"http"],
        b"x-forwarded-host": [b"a.test"],
        b"x-forwarded-method": [b"POST"],
        b"x-forwarded-uri": [b"/a?b=c"],
    }


def test_it_judges_the_path_that_is_meant() -> None:
    case = Case(answering())
    case.judge(target=b"/public/../%61dmin?x=../")
    assert case.server.asked[0][2].getRawHeaders(b"X-Forwarded-Uri") == [b"/admin?x=../"]


def test_a_path_of_which_nobody_knows_what_it_means_is_refused() -> None:
    case = Case(answering())
    assert case.judge(target=b"/public/..%2fadmin") == Refused(400, Reason.MALFORMED)
    assert case.server.asked == []


@pytest.mark.parametrize("status", [200, 202, 204])
def test_what_it_says_of_the_user_goes_on_with_the_request(status: int) -> None:
    case = Case(answering(status, X_User=b"ann", X_Groups=[b"a", b"b"], X_Other=b"1"))
    assert case.judge() == Admitted(((b"X-User", b"ann"), (b"X-Groups", b"a"), (b"X-Groups", b"b")))


@pytest.mark.parametrize(("status", "reason"), [(302, Reason.WRONG), (401, Reason.WRONG), (403, Reason.FORBIDDEN)])
def test_another_answer_is_the_clients(status: int, reason: Reason) -> None:
    headers: dict[str, Any] = {"Location": b"https://login.test/", "Set_Cookie": [b"a=1", b"b=2"], "X_Secret": b"1"}
    verdict = Case(answering(status, b"<p>log in", Content_Type=b"text/html", **headers)).judge()
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.reason, verdict.content) == (status, reason, b"<p>log in")
    assert sorted(verdict.fields) == [
        (b"Cache-Control", b"no-store"),
        (b"Content-Type", b"text/html"),
        (b"Location", b"https://login.test/"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
    ]


@pytest.mark.parametrize("status", [500, 503, 600, 999])
def test_a_server_that_has_failed_lets_nobody_in_and_shows_nothing(status: int) -> None:
    verdict = Case(answering(status, b"Traceback")).judge()
    assert verdict == Refused(503, Reason.UNAVAILABLE, ((b"Retry-After", b"1"),))


def test_an_answer_that_is_too_long_has_no_content() -> None:
    verdict = Case(answering(403, b"x" * 70_000)).judge()
    assert isinstance(verdict, Refused)
    assert verdict.content is None


def test_a_server_that_is_away_lets_nobody_in() -> None:
    class Away:
        def request(self, *_: object) -> "Deferred[Any]":
            return fail(Refusal())

    case = Case(answering(), agent=Away())
    assert case.judge() == Refused(503, Reason.UNAVAILABLE, ((b"Retry-After", b"1"),))


class Silent:
    """Never answers; knows who has given up."""

    def __init__(self) -> None:
        self.cancelled = 0

    def request(self, *_: object) -> "Deferred[Any]":
        def cancel(_: object) -> None:
            self.cancelled += 1

        return Deferred(cancel)


def test_who_waits_no_more_gives_up_the_question() -> None:
    silent = Silent()
    verdict = Case(answering(), agent=silent).check.judge(request())
    assert isinstance(verdict, Deferred)
    failures: list[Any] = []
    verdict.addErrback(failures.append)
    verdict.cancel()
    assert silent.cancelled == 1
    assert failures[0].check(CancelledError)


def test_who_waits_no_more_for_the_rest_of_an_answer_gives_it_up() -> None:
    def half(asked: Request) -> Any:
        asked.setResponseCode(403)
        asked.write(b"half")
        return NOT_DONE_YET

    case = Case(half)
    verdict = case.check.judge(request())
    assert isinstance(verdict, Deferred)
    verdict.addErrback(lambda _: None)
    verdict.cancel()
    case.agent.flush()
    assert case.check._asked == 0


def test_so_many_may_be_asked_about_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openprequal.checks.forward.MOST_ASKED", 2)
    case = Case(answering(), agent=Silent())
    waiting = [case.check.judge(request()) for _ in range(2)]
    assert case.judge() == Refused(503, Reason.BUSY, ((b"Retry-After", b"1"),))
    for each in waiting:
        assert isinstance(each, Deferred)
        each.addErrback(lambda _: None)
        each.cancel()
    assert isinstance(case.check.judge(request()), Deferred)


def test_its_word_is_asked_for_each_request_unless_it_is_remembered() -> None:
    case = Case(answering())
    case.judge(b"Cookie: s=1")
    case.judge(b"Cookie: s=1")
    assert len(case.server.asked) == 2


def test_a_good_word_is_remembered_for_a_time() -> None:
    case = Case(answering(X_User=b"ann"), remember_s=10.0)
    first = case.judge(b"Cookie: s=1")
    assert case.judge(b"Cookie: s=1") == first
    assert len(case.server.asked) == 1
    case.clock.advance(10.0)
    case.judge(b"Cookie: s=1")
    assert len(case.server.asked) == 2


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        ((b"Cookie: s=2",), {}),
        ((), {}),
        ((b"Cookie: s=1",), {"target": b"/admin"}),
        ((b"Cookie: s=1",), {"method": b"DELETE"}),
        ((b"Cookie: s=1",), {"client": "192.0.2.9"}),
    ],
)
def test_a_word_on_one_request_is_none_on_another(lines: tuple[bytes, ...], head: dict[str, Any]) -> None:
    case = Case(answering(), remember_s=10.0)
    case.judge(b"Cookie: s=1")
    case.judge(*lines, **head)
    assert len(case.server.asked) == 2


def test_a_bad_word_is_not_remembered() -> None:
    case = Case(answering(401), remember_s=10.0)
    case.judge()
    case.judge()
    assert len(case.server.asked) == 2


def test_a_word_may_be_remembered_by_a_field_alone() -> None:
    case = Case(answering(), remember_s=10.0, remember_by=[b"cookie"])
    case.judge(b"Cookie: s=1", target=b"/a")
    case.judge(b"Cookie: s=1", target=b"/b")
    assert len(case.server.asked) == 1
    for _ in range(2):
        case.judge(target=b"/a")
    assert len(case.server.asked) == 3


def test_the_fields_that_clients_may_not_bring() -> None:
    assert Case(answering()).check.sets == {b"x-user", b"x-groups"}
