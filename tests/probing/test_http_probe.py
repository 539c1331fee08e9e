"""Probes over HTTP: one under way per backend, in time or late, over kept-alive connections."""

import pytest
from twisted.internet.task import Clock

from openprequal.interfaces import IProbeTransport
from openprequal.probing.http_probe import MAX_FOR_REQUESTS, HttpProbeTransport
from openprequal.probing.report_reader import ReportReader
from openprequal.testing.network import RawBackend
from openprequal.testing.probe_transport_contract import ProbeTransportContract
from openprequal.upstream.connections import Connections
from openprequal.values import Backend, LoadReport, LoadState, ReportFormat

OK = b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=7, latency=0.5\r\nContent-Length: 0\r\n\r\n"
REPORT = LoadReport(7.0, 0.5)


class Case:
    """A probe transport and one raw backend."""

    def __init__(
        self, clock: Clock | None = None, expected: ReportFormat = ReportFormat.AUTO, probe_path: str | None = None
    ) -> None:
        self.clock = clock or Clock()
        self.raw = RawBackend(self.clock, 0, 1.0)
        self.backend = self.raw.backend
        self.connections: Connections | None = Connections(self.raw.dial, self.clock, max_idle=2, idle_timeout_s=60.0)
        self.heard: list[LoadReport] = []
        self.late: list[LoadReport] = []
        self.answers: list[LoadReport | None] = []
        self.probes = HttpProbeTransport(
            self.clock,
            lambda backend: self.connections,
            lambda backend, report: self.heard.append(report),
            lambda backend, report: self.late.append(report),
            reports=ReportReader(expected),
            probe_path=probe_path,
            default_path="/healthz",
            timeout_s=0.1,
            give_up_s=10.0,
        )

    def probe(self, backend: Backend | None = None, hint: bytes | None = None) -> None:
        before = list(self.answers)
        self.probes.probe(backend or self.backend, self.answers.append, hint)
        assert self.answers == before, "called back from inside the call"
        self.clock.advance(0)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.probes.expire()
        self.clock.advance(0)


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_report_in_the_head_is_handed_over_and_heard_of(case: Case) -> None:
    case.probe()
    case.raw.answer(OK)
    assert (case.answers, case.heard, case.late) == ([REPORT], [REPORT], [])


def test_a_report_in_the_body_counts_as_well(case: Case) -> None:
    case.probe()
    body = b'{"rif": 3, "state": "draining"}'
    case.raw.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    assert case.answers == [LoadReport(3.0, None, LoadState.DRAINING)]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
        OK.replace(b"rif=7", b"rif=-7"),
    ],
)
def test_an_answer_without_a_report_is_none(case: Case, answer: bytes) -> None:
    case.probe()
    case.raw.answer(answer)
    assert (case.answers, case.heard) == ([None], [])


@pytest.mark.parametrize(
    ("backend", "path"),
    [
        (Backend(url="http://203.0.113.1:8001"), b"/healthz"),
        (Backend(url="http://203.0.113.1:8001", health_path="/alive"), b"/alive"),
        (Backend(url="http://203.0.113.1:8001", health_path="/alive", probe_path="/load"), b"/load"),
    ],
)
def test_the_path_that_is_asked(case: Case, backend: Backend, path: bytes) -> None:
    case.probe(backend)
    assert case.raw.received.startswith(b"GET " + path + b" HTTP/1.1\r\nHost: 203.0.113.1:8001\r\n")


@pytest.mark.parametrize(
    ("backend", "path"),
    [
        (Backend(url="http://203.0.113.1:8001", health_path="/alive"), b"/metrics"),
        (Backend(url="http://203.0.113.1:8001", health_path="/alive", probe_path="/load"), b"/load"),
    ],
)
def test_the_services_probe_path_goes_before_the_health_path(backend: Backend, path: bytes) -> None:
    case = Case(probe_path="/metrics")
    case.probe(backend)
    assert case.raw.received.startswith(b"GET " + path + b" HTTP/1.1\r\n")


def test_a_report_in_another_format_than_the_expected_is_none() -> None:
    case = Case(expected=ReportFormat.PREQUAL_RS)
    case.probe()
    case.raw.answer(OK)
    case.probe()
    case.raw.answer(b"HTTP/1.1 200 OK\r\nX-Prequal-RIF: 4\r\nContent-Length: 0\r\n\r\n")
    assert case.answers == [None, LoadReport(4.0, None, format=ReportFormat.PREQUAL_RS)]


def test_nobody_is_asked_where_no_report_is_believed() -> None:
    case = Case(expected=ReportFormat.NONE)
    case.probe()
    assert case.answers == [None]
    assert case.raw.received == b""


def test_probes_use_one_connection_again(case: Case) -> None:
    for _ in range(3):
        case.probe()
        case.raw.answer(OK)
    assert case.answers == [REPORT] * 3
    assert case.raw.dialled == 1


def test_one_probe_is_under_way_to_a_backend_at_most(case: Case) -> None:
    case.probe()
    case.probe()
    assert case.answers == [None]
    case.raw.answer(OK)
    assert case.answers == [None, REPORT]
    assert case.raw.received.count(b"GET ") == 1


def test_no_answer_in_time_is_none_and_a_late_one_is_still_news(case: Case) -> None:
    case.probe()
    case.wait(0.09)
    assert case.answers == []
    case.wait(0.02)
    assert case.answers == [None]
    case.probe()
    assert case.answers == [None, None]
    case.raw.answer(OK)
    assert (case.answers, case.heard, case.late) == ([None, None], [REPORT], [REPORT])
    case.probe()
    case.raw.answer(OK)
    assert case.answers == [None, None, REPORT]


def test_a_probe_that_is_never_answered_is_given_up_and_another_sent(case: Case) -> None:
    case.probe()
    case.wait(0.2)
    case.wait(10.0)
    assert case.raw.connection.ended is not None
    case.probe()
    case.raw.answer(OK)
    assert case.answers == [None, REPORT]


def test_a_hint_is_sent_along(case: Case) -> None:
    case.probe(hint=b"0123456789abcdef")
    assert case.raw.received.endswith(b"\r\nAccept: */*\r\nOpenPrequal-Hint: 0123456789abcdef\r\n\r\n")
    case.raw.answer(OK)
    assert case.answers == [REPORT]


@pytest.mark.parametrize("hint", [None, b""])
def test_no_hint_is_sent_where_there_is_none(case: Case, hint: bytes | None) -> None:
    case.probe(hint=hint)
    assert case.raw.received.endswith(b"\r\nAccept: */*\r\n\r\n")


def test_an_answer_to_a_hint_is_for_one_request_alone(case: Case) -> None:
    case.probe(hint=b"0123456789abcdef")
    case.raw.answer(OK)
    case.probe(hint=b"0123456789abcdef")
    case.wait(0.2)
    case.raw.answer(OK)
    assert (case.answers, case.heard, case.late) == ([REPORT, None], [], [])


def test_the_number_of_probes_for_waiting_requests_is_bounded(case: Case) -> None:
    for _ in range(MAX_FOR_REQUESTS + 1):
        case.probe(hint=b"")
    assert case.raw.dialled == MAX_FOR_REQUESTS
    assert case.answers == [None]
    case.wait(0.2)
    case.wait(10.0)
    assert all(connection.ended is not None for connection in case.raw.connections)
    case.probe(hint=b"")
    case.raw.answer(OK)
    assert case.answers == [None] * (MAX_FOR_REQUESTS + 1) + [REPORT]


def test_a_refused_connect_is_none(case: Case) -> None:
    case.raw.refuse()
    case.probe()
    assert case.answers == [None]
    case.raw.accept()
    case.probe()
    case.raw.answer(OK)
    assert case.answers == [None, REPORT]


def test_a_backend_that_has_left_is_none(case: Case) -> None:
    case.connections = None
    case.probe()
    assert case.answers == [None]


def test_a_backend_that_leaves_takes_its_probe_with_it(case: Case) -> None:
    case.probe()
    case.probes.forget(case.backend)
    case.clock.advance(0)
    assert case.raw.connection.ended is not None
    case.raw.answer(OK)
    assert case.heard == []
    case.wait(0.2)
    assert case.answers == [None]


def test_forgetting_who_was_never_probed_does_no_harm(case: Case) -> None:
    case.probes.forget(case.backend)


class TestHttpProbes(ProbeTransportContract):
    """The contract, with a backend that answers within the turn, or never."""

    def make(self, clock: Clock, report: LoadReport | None) -> IProbeTransport:
        case = Case(clock)

        def act() -> None:
            case.probes.expire()
            if report is not None:
                for connection in case.raw.connections:
                    for _ in range(connection.news().count(b"GET ")):
                        connection.post(
                            b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=%g, latency=%g\r\nContent-Length: 0\r\n\r\n"
                            % (report.rif, report.latency_s or 0.0)
                        )
            clock.callLater(0.01, act)

        act()
        return case.probes
