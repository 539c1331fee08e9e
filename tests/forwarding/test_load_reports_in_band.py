"""Load reports on responses: heard in the service's format, removed before the client sees them, never in its way."""

from collections.abc import Callable

import pytest

from openprequal.http1.errors import MalformedMessage
from openprequal.probing.report_reader import REPORT_FIELDS, ReportReader
from openprequal.testing.network import MemoryNetwork
from openprequal.upstream.head_memory import read_response_head
from openprequal.values import LoadReport, ReportFormat, ReportWay

REQUEST = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
ORCA = b"Endpoint-Load-Metrics: TEXT cpu_utilization=0.4, named_metrics.rif=3"


def exchanged(network: MemoryNetwork, *lines: bytes, request: bytes = REQUEST) -> bytes:
    """What the client got of a response with these fields."""
    client = network.client()
    client.send(request)
    network.backend().answer(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"Content-Length: 2", b"", b"ok"]))
    return client.received


@pytest.mark.parametrize(
    ("lines", "report"),
    [
        ([b"OpenPrequal-Load: rif=7, latency=0.5, state=ready"], LoadReport(7, 0.5)),
        (
            [b"x-prequal-rif: 4", b"x-prequal-latency-us: 1500"],
            LoadReport(4, 0.0015, format=ReportFormat.PREQUAL_RS),
        ),
        (
            [b"X-In-Flight: 4", b"X-Estimated-Latency: 15"],
            LoadReport(4, 0.015, format=ReportFormat.LIBVMOD_PREQUAL),
        ),
        ([ORCA], LoadReport(3, None, utilization=0.4, format=ReportFormat.ORCA)),
        (
            [b"endpoint-load-metrics-bin: CTMzMzMzM9M/"],
            LoadReport(None, None, utilization=0.3, format=ReportFormat.ORCA),
        ),
    ],
)
def test_every_format_is_heard_and_ends_here(lines: list[bytes], report: LoadReport) -> None:
    network = MemoryNetwork()
    received = exchanged(network, *lines)
    assert received.endswith(b"\r\n\r\nok")
    assert not [line for line in lines if line.partition(b":")[0].lower() in received.lower()]
    member = network.members[0]
    assert member.report == pytest.approx(report) if report.rif else member.report == report
    assert member.report_way is ReportWay.IN_BAND
    assert network.service.reports.ignored == 0


@pytest.mark.parametrize("key", sorted(REPORT_FIELDS))
def test_every_field_that_is_read_ends_here_in_both_directions(key: bytes) -> None:
    network = MemoryNetwork()
    received = exchanged(network, key + b": x", request=REQUEST.replace(b"\r\n\r\n", b"\r\n" + key + b": x\r\n\r\n"))
    assert key not in received.lower()
    assert key not in network.backend().received.lower()


@pytest.mark.parametrize(
    "line",
    [
        b"OpenPrequal-Load: rif=-7",
        b"OpenPrequal-Load: rif=nan",
        b"X-Prequal-Rif: 1e9",
        b"X-In-Flight: lots",
        b"Endpoint-Load-Metrics: JSON {",
        b"endpoint-load-metrics-bin: \xff\xfe",
    ],
)
def test_an_unreadable_report_is_counted_and_the_response_passes(line: bytes) -> None:
    network = MemoryNetwork()
    assert exchanged(network, line).endswith(b"\r\n\r\nok")
    assert network.members[0].report is None
    assert network.service.reports.ignored == 1


@pytest.mark.parametrize("line", [b"OpenPrequal-Load: rif=7", b"X-Prequal-Rif: 7", ORCA])
def test_a_report_from_a_cache_counts_for_nothing_in_any_format(line: bytes) -> None:
    network = MemoryNetwork()
    exchanged(network, line, b"Age: 5")
    assert network.members[0].report is None
    assert network.service.reports.ignored == 0


def test_only_the_format_of_the_service_is_believed() -> None:
    network = MemoryNetwork(reports=ReportReader(ReportFormat.ORCA))
    exchanged(network, b"OpenPrequal-Load: rif=7, latency=0.5, state=ready", b"X-Prequal-Rif: 4", ORCA)
    report = network.members[0].report
    assert report is not None
    assert (report.rif, report.format) == (3, ReportFormat.ORCA)


def test_no_report_is_believed_where_none_is_expected() -> None:
    network = MemoryNetwork(reports=ReportReader(ReportFormat.NONE))
    received = exchanged(network, b"OpenPrequal-Load: rif=7, latency=0.5, state=ready", b"X-Prequal-Rif: 4", ORCA)
    assert network.members[0].report is None
    assert network.service.reports.ignored == 0
    assert b"rif" not in received.lower()


def test_backends_that_report_in_orca_are_asked_to() -> None:
    network = MemoryNetwork(reports=ReportReader(ReportFormat.ORCA))
    asking = REQUEST.replace(b"\r\n\r\n", b"\r\nEndpoint-Load-Metrics-Format: BIN\r\n\r\n")
    exchanged(network, request=asking)
    assert network.backend().received.lower().count(b"\r\nendpoint-load-metrics-format: ") == 1
    assert b"\r\nendpoint-load-metrics-format: TEXT\r\n" in network.backend().received


def test_other_backends_are_not_asked_even_if_the_client_does() -> None:
    network = MemoryNetwork()
    exchanged(network, request=REQUEST.replace(b"\r\n\r\n", b"\r\nEndpoint-Load-Metrics-Format: TEXT\r\n\r\n"))
    assert b"endpoint-load-metrics" not in network.backend().received.lower()


ECHOED = (b"OpenPrequal-Load: rif=7, latency=0.5, state=ready", b"x-prequal-rif: 7", b"x-prequal-latency-us: 500000")


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (ReportFormat.AUTO, LoadReport(7, 0.5)),
        (ReportFormat.OPENPREQUAL, LoadReport(7, 0.5)),
        (ReportFormat.PREQUAL_RS, LoadReport(7, 0.5, format=ReportFormat.PREQUAL_RS)),
        (ReportFormat.ORCA, None),
    ],
)
def test_a_report_in_two_formats_is_read_in_the_one_expected(expected: ReportFormat, told: LoadReport | None) -> None:
    network = MemoryNetwork(reports=ReportReader(expected))
    received = exchanged(network, *ECHOED)
    assert network.members[0].report == told
    assert b"prequal-" not in received.lower().replace(b"openprequal-", b"")


def test_a_report_in_two_formats_stays_whole_where_reports_are_not_removed() -> None:
    network = MemoryNetwork(strip_reports=False)
    received = exchanged(network, *ECHOED)
    assert all(line in received for line in ECHOED)


@pytest.mark.parametrize("spelt", [bytes, bytes.lower, bytes.title])
def test_a_report_in_two_formats_does_not_make_each_head_a_new_one(spelt: Callable[[bytes], bytes]) -> None:
    heads = []
    told = [b": ".join([spelt(name), value]) for name, _, value in (line.partition(b": ") for line in ECHOED)]
    for rif in (b"7", b"8"):
        block = b"\r\n".join([b"HTTP/1.1 200 OK", *(line.replace(b"7", rif) for line in told), b"Content-Length: 2"])
        heads.append(read_response_head(block, b"GET")[0])
    assert heads[0] is heads[1]


@pytest.mark.parametrize("line", [b"x-prequal-rif: 7\r", b"x-prequal-rif: 7\x00"])
def test_a_broken_line_behind_a_report_is_as_broken_as_elsewhere(line: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_response_head(b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=7\r\n" + line + b"\r\nA: b", b"GET")
