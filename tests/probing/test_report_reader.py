"""Which format is recognised, which is believed, and what is counted as unreadable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.http1.fields import Field
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.probing.report_reader import MAX_JSON, REPORT_FIELDS, ReportReader
from openprequal.upstream.fetch import Answer
from openprequal.values import LoadReport, ReportFormat

OURS = (b"OpenPrequal-Load", b"rif=2, latency=0.5")
RUST = ((b"X-Prequal-RIF", b"4"), (b"X-Prequal-Latency-Us", b"1500"))
VMOD = ((b"X-In-Flight", b"5"), (b"X-Estimated-Latency", b"20"))
ORCA = (b"Endpoint-Load-Metrics", b"TEXT named_metrics.rif=6")
OUR_BODY = b'{"status": "ok", "rif": 2, "latency": 0.5, "state": "ready"}'
PAGE = b"vllm:num_requests_running 7\n"


def answer(*fields: tuple[bytes, bytes], body: bytes = b"", load: bytes | None = None) -> Answer:
    return Answer(200, [Field(*field) for field in fields], body, load)


def rif(reader: ReportReader, told: Answer) -> float | None:
    report = reader.in_answer(told)
    return None if report is None else report.rif


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (answer(OURS), ReportFormat.OPENPREQUAL),
        (answer(load=b"rif=2, latency=0.5, state=ready"), ReportFormat.OPENPREQUAL),
        (answer(body=OUR_BODY), ReportFormat.OPENPREQUAL),
        (answer(*RUST), ReportFormat.PREQUAL_RS),
        (answer(*VMOD), ReportFormat.LIBVMOD_PREQUAL),
        (answer(ORCA), ReportFormat.ORCA),
        (answer(body=b'{"in_flight_requests": 2}'), ReportFormat.OPENPREQUAL_FASTAPI),
        (answer(body=b'{"rif": 2, "latency": 25000000}'), ReportFormat.JSON),
        (answer(body=PAGE), ReportFormat.PROMETHEUS),
    ],
)
def test_every_format_is_recognised_and_believed_where_it_is_the_expected_one(told: Answer, name: ReportFormat) -> None:
    for expected in (ReportFormat.AUTO, name):
        report = ReportReader(expected).in_answer(told)
        assert report is not None, expected
        assert report.format is name


@pytest.mark.parametrize("expected", [name for name in ReportFormat if name is not ReportFormat.AUTO])
def test_a_format_that_is_not_expected_is_passed_over_and_not_counted(expected: ReportFormat) -> None:
    reader = ReportReader(expected)
    tolds = {
        ReportFormat.OPENPREQUAL: answer(OURS, load=b"rif=1"),
        ReportFormat.PREQUAL_RS: answer(*RUST),
        ReportFormat.LIBVMOD_PREQUAL: answer(*VMOD),
        ReportFormat.ORCA: answer(ORCA),
        ReportFormat.OPENPREQUAL_FASTAPI: answer(body=b'{"in_flight_requests": 2}'),
        ReportFormat.PROMETHEUS: answer(body=PAGE),
    }
    tolds.pop(expected, None)
    assert [reader.in_answer(told) for told in tolds.values()] == [None] * len(tolds)
    assert reader.ignored == 0


def test_ours_goes_before_others() -> None:
    assert rif(ReportReader(), answer(*RUST, OURS, *VMOD)) == 2


def test_the_expected_format_is_found_beside_ours() -> None:
    told = answer(*RUST, load=b"rif=2, latency=0.5, state=ready")
    assert rif(ReportReader(ReportFormat.PREQUAL_RS), told) == 4


def test_several_lines_of_ours_are_one_list() -> None:
    told = answer((b"openprequal-load", b"rif=2"), (b"OPENPREQUAL-LOAD", b"latency=0.5"))
    assert ReportReader().in_answer(told) == LoadReport(2, 0.5)


def test_an_answer_of_a_cache_says_nothing_about_now() -> None:
    reader = ReportReader()
    assert reader.in_answer(answer(OURS, (b"Age", b"1"), body=OUR_BODY, load=b"rif=1")) is None
    assert reader.ignored == 0


@pytest.mark.parametrize(
    "told",
    [
        answer((b"OpenPrequal-Load", b"busy")),
        answer(load=b"rif=-1"),
        answer((b"X-Prequal-RIF", b"-4"), (b"X-Prequal-Latency-Us", b"1500")),
        answer((b"X-In-Flight", b"many")),
        answer((b"Endpoint-Load-Metrics", b"TEXT cpu_utilization=NaN")),
        answer(body=b'{"rif": -1, "state": "ready"}'),
        answer(body=b"vllm:num_requests_running NaN\n"),
    ],
)
def test_a_report_that_is_there_but_cannot_be_read_counts_as_ignored(told: Answer) -> None:
    reader = ReportReader()
    assert reader.in_answer(told) is None
    assert reader.ignored == 1


@pytest.mark.parametrize(
    "told",
    [
        answer(),
        answer(body=b"ok"),
        answer(body=b'{"status": "ok"}'),
        answer((b"Content-Type", b"application/json"), body=b'{"broken'),
        answer(body=OUR_BODY + b" " * MAX_JSON),
    ],
)
def test_no_report_at_all_is_not_counted(told: Answer) -> None:
    reader = ReportReader()
    assert reader.in_answer(told) is None
    assert reader.ignored == 0


def test_a_configured_metric_is_looked_for() -> None:
    reader = ReportReader(ReportFormat.PROMETHEUS, QueueMetrics("busy", "queued"))
    assert rif(reader, answer(body=b"busy 2\nqueued 3\n")) == 5


def test_a_configured_metric_is_looked_for_in_orca_reports_too() -> None:
    reader = ReportReader(ReportFormat.ORCA, QueueMetrics("busy"))
    assert rif(reader, answer((b"Endpoint-Load-Metrics", b"TEXT named_metrics.busy=2"))) == 2


NAMES = st.sampled_from(sorted(REPORT_FIELDS)) | st.just(b"content-type")
FIELDS = st.lists(st.builds(Field, NAMES, st.binary(max_size=40)), max_size=4)
BODIES = st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: b'{"rif":' + rest)


@given(st.sampled_from(list(ReportFormat)), FIELDS, BODIES, st.none() | st.binary(max_size=40))
def test_no_answer_makes_it_raise(expected: ReportFormat, fields: list[Field], body: bytes, load: bytes | None) -> None:
    report = ReportReader(expected).in_answer(Answer(200, fields, body, load))
    assert report is None or report.rif is None or 0 <= report.rif <= 1e5
