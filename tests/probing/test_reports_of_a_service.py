"""From a service's settings to what its balancer believes: the right path is probed and the answer understood."""

from random import Random

import pytest
from twisted.internet.task import Clock

from openprequal.admin.backend_rows import backend_rows
from openprequal.config.gateway import GatewaySettings
from openprequal.data_plane import service_with_balancer
from openprequal.testing.network import RawBackend
from openprequal.values import Ending, LoadReport, Outcome, ReportFormat, ReportWay


class Case:
    """A service as the gateway makes it of these settings, with one backend that is up."""

    def __init__(self, **settings: object) -> None:
        self.clock = Clock()
        self.raw = RawBackend(self.clock, 0, 1.0)
        whole = GatewaySettings(**settings)
        effective = whole.effective_services["default"]
        self.service = service_with_balancer(self.clock, Random(1), "default", effective, whole, [], [])
        self.member = self.raw.member()
        self.service.add(self.member)
        self.service.up(self.raw.backend)
        self.clock.advance(0)

    def answer(self, *fields: bytes, body: bytes = b"") -> None:
        self.raw.answer(b"\r\n".join([b"HTTP/1.1 200 OK", *fields, b"Content-Length: %d" % len(body), b"", body]))

    @property
    def load_source(self) -> object:
        (row,) = backend_rows({"default": self.service}, {}, self.clock.seconds())
        return row["load_source"]


VLLM = b'vllm:num_requests_running{engine="0"} 5.0\nvllm:num_requests_waiting{engine="0"} 2.0\n'


@pytest.mark.parametrize(
    ("name", "path", "fields", "body", "rif"),
    [
        ("auto", b"/healthz", [b"OpenPrequal-Load: rif=3"], b"", 3),
        ("auto", b"/healthz", [], b'{"status": "ok", "rif": 4, "latency": 0.1, "state": "ready"}', 4),
        ("openprequal", b"/healthz", [b"OpenPrequal-Load: rif=3"], b"", 3),
        ("prequal-rs", b"/prequal/probe", [b"x-prequal-rif: 5", b"x-prequal-latency-us: 900"], b"", 5),
        ("libvmod-prequal", b"/probe", [b"X-In-Flight: 6", b"X-Estimated-Latency: 9"], b"", 6),
        ("openprequal-fastapi", b"/probe", [], b'{"status":"ok","in_flight_requests":2}', 2),
        ("json", b"/probe", [], b'{"rif":3,"latencyEstimateMillis":102}', 3),
        ("orca", b"/healthz", [b"Endpoint-Load-Metrics: TEXT named_metrics.rif=8"], b"", 8),
        ("prometheus", b"/metrics", [], VLLM, 7),
    ],
)
def test_a_service_is_probed_and_understood_in_its_format(
    name: str, path: bytes, fields: list[bytes], body: bytes, rif: float
) -> None:
    case = Case(report_format=name)
    assert case.raw.received.startswith(b"GET " + path + b" HTTP/1.1\r\n")
    case.answer(*fields, body=body)
    assert case.member.report is not None
    assert case.member.report.rif == rif
    assert case.member.report_way is ReportWay.PROBE
    assert case.service.balancer.estimates()[case.raw.backend.id].rif == rif  # type: ignore[attr-defined]


def test_metrics_of_any_name_can_be_configured() -> None:
    case = Case(
        report_format="prometheus",
        backend_probe_path="/stats",
        report_running_metric="busy_workers",
        report_waiting_metric="backlog",
    )
    assert case.raw.received.startswith(b"GET /stats HTTP/1.1\r\n")
    case.answer(body=b"busy_workers 3\nbacklog 4\n")
    assert case.member.report is not None
    assert case.member.report.rif == 7


def test_the_rows_say_where_a_load_comes_from() -> None:
    case = Case(report_format="prequal-rs")
    assert case.load_source == "assumed"
    case.answer(b"x-prequal-rif: 5")
    assert case.load_source == "report: prequal-rs (probe)"
    orca = LoadReport(1.0, None, format=ReportFormat.ORCA)
    case.service.reported(case.member, orca, case.clock.seconds())
    assert case.load_source == "report: orca (in-band)"
    case.clock.advance(5)
    assert case.load_source == "report: orca (in-band), faded"


def test_the_rows_say_that_a_load_is_measured_here() -> None:
    case = Case(report_format="none")
    case.service.assign(case.member)
    case.clock.advance(0.1)
    case.service.free(case.member, Outcome(Ending.RESPONSE, 200, 0.1))
    assert case.load_source == "measured here"


def test_a_report_without_a_rif_leaves_the_load_to_what_is_measured_here() -> None:
    case = Case()
    case.service.reported(case.member, LoadReport(None, None, utilization=0.5, format=ReportFormat.ORCA), 0.0)
    assert case.load_source == "assumed"


def test_the_rows_of_a_balancer_without_estimates_tell_what_is_known() -> None:
    case = Case(load_balancer_class="round_robin")
    assert case.load_source == "assumed"
    case.member.latency.add(0.1, 0.0)
    assert case.load_source == "measured here"
    case.service.reported(case.member, LoadReport(1.0, None), 0.0, ReportWay.HEARTBEAT)
    assert case.load_source == "report: openprequal (heartbeat)"
