"""What is read from a backend's load report, and that nothing a backend sends can do harm (PREQUAL.md section 6)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.report_formats.own_format import parse_load_field, report_in_json
from openprequal.values import LoadReport, LoadState


@pytest.mark.parametrize(
    ("value", "report"),
    [
        (b"rif=7, latency=0.0123, state=ready", LoadReport(7, 0.0123)),
        (b"rif=7,latency=0.0123", LoadReport(7, 0.0123)),
        (b"rif=0", LoadReport(0, None)),
        (b"latency=2, state=draining, rif=1.5", LoadReport(1.5, 2, LoadState.DRAINING)),
        (b"rif=7;since=3, latency=0.1;unit=s", LoadReport(7, 0.1)),
        (b"rif=7, from_the_future=(a b), state=hibernating", LoadReport(7, None)),
        (b"rif=3, state=warming, rif=4", LoadReport(4, None, LoadState.WARMING)),
    ],
)
def test_a_report_in_our_field_is_understood(value: bytes, report: LoadReport) -> None:
    assert parse_load_field(value) == report


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"rif",
        b"rif=",
        b"latency=0.1",
        b"rif=-1",
        b"rif=nan",
        b"rif=inf",
        b"rif=1e3",
        b"rif=1_000",
        b"rif=99999999",
        b"rif=1, latency=-0.1",
        b"rif=1, latency=nan",
        b"rif=1, latency=99999",
        b"rif=" + b"9" * 400,
        b"\xff\x00=,;=\r",
    ],
)
def test_garbage_and_absurd_claims_are_no_report(value: bytes) -> None:
    assert parse_load_field(value) is None


@given(st.binary(max_size=80) | st.text(alphabet="rif=latency,; 0123456789.-+eE_", max_size=60).map(str.encode))
def test_no_bytes_make_it_raise_or_believe_the_impossible(value: bytes) -> None:
    report = parse_load_field(value)
    assert report is None or (report.rif >= 0 and (report.latency_s is None or 0 <= report.latency_s <= 3600))


def test_a_report_in_the_body_is_understood() -> None:
    body = b'{"status": "ok", "rif": 7, "latency": 0.0123, "state": "draining"}'
    assert report_in_json(json.loads(body)) == LoadReport(7, 0.0123, LoadState.DRAINING)


def test_a_body_without_an_estimate_yet_is_understood() -> None:
    assert report_in_json(json.loads(b'{"rif": 0, "latency": null, "state": "ready"}')) == LoadReport(0, None)
