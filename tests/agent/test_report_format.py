"""What a load report looks like on the wire (PREQUAL.md section 6)."""

import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.agent.report_format import DEFAULT_FORMATS, field_value, health_body, report_fields
from openprequal.config.joining import REPORT_FORMATS, ReportFormatName
from openprequal.http1.fields import Field
from openprequal.probing.report_reader import ReportReader
from openprequal.values import LoadReport, LoadState, ReportFormat

REPORTS = st.builds(LoadReport, st.integers(0, 10**6), st.none() | st.floats(0, 1e5), st.sampled_from(list(LoadState)))

# Neither absurd nor below a microsecond, which some formats cannot tell from none.
BELIEVABLE = st.builds(LoadReport, st.integers(0, 10**5), st.none() | st.floats(1e-6, 3600))


def test_a_report_as_a_field() -> None:
    assert field_value(LoadReport(7, 0.0123)) == b"rif=7, latency=0.012300, state=ready"


def test_an_unknown_latency_is_left_out_of_the_field() -> None:
    assert field_value(LoadReport(0, None, LoadState.WARMING)) == b"rif=0, state=warming"


def test_a_report_as_the_body_of_the_health_path() -> None:
    assert json.loads(health_body(LoadReport(7, 0.0123))) == {
        "status": "ok",
        "rif": 7,
        "latency": 0.0123,
        "state": "ready",
    }


def test_a_draining_backend_says_so_in_its_status() -> None:
    body = json.loads(health_body(LoadReport(0, None, LoadState.DRAINING)))
    assert (body["status"], body["latency"], body["state"]) == ("draining", None, "draining")


@given(REPORTS)
def test_every_report_is_a_dictionary_of_plain_numbers(report: LoadReport) -> None:
    assert re.fullmatch(rb"rif=\d+(, latency=\d+\.\d{6})?, state=[a-z]+", field_value(report))


@given(REPORTS)
def test_field_and_body_say_the_same(report: LoadReport) -> None:
    members = dict(member.split("=") for member in field_value(report).decode().split(", "))
    body = json.loads(health_body(report))
    assert (float(members["rif"]), members["state"]) == (body["rif"], body["state"])
    assert (float(members["latency"]) if "latency" in members else None) == body["latency"]


def test_a_report_in_every_format() -> None:
    assert report_fields(LoadReport(7, 0.0123), get_args(ReportFormatName)) == [
        (b"OpenPrequal-Load", b"rif=7, latency=0.012300, state=ready"),
        (b"x-prequal-rif", b"7"),
        (b"x-prequal-latency-us", b"12300"),
        (b"endpoint-load-metrics", b"TEXT named_metrics.rif=7,named_metrics.latency_seconds=0.012300"),
    ]


def test_ours_and_prequal_rs_are_written_unless_told_otherwise() -> None:
    assert [name for name, _ in report_fields(LoadReport(0, None))] == [
        b"OpenPrequal-Load",
        b"x-prequal-rif",
        b"x-prequal-latency-us",
    ]
    assert DEFAULT_FORMATS == REPORT_FORMATS


@given(st.sampled_from(get_args(ReportFormatName)), BELIEVABLE)
def test_the_gateway_reads_what_an_agent_writes_in_any_format(name: str, report: LoadReport) -> None:
    fields = [Field(*field) for field in report_fields(report, [name])]
    read = ReportReader(ReportFormat(name)).in_fields(None, fields)
    assert read is not None
    assert read.rif == report.rif
    assert read.latency_s == pytest.approx(report.latency_s, abs=1e-6)
