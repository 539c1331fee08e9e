"""What is read from a backend's load report, and that nothing a backend sends can do harm (PREQUAL.md section 6)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openprequal.probing.report_format import parse_load_field, report_from_fields, report_from_json

from openprequal.http1.fields import Field
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


@pytest.mark.parametrize(
    ("fields", "report"),
    [
        ([(b"OpenPrequal-Load", b"rif=2, latency=0.5")], LoadReport(2, 0.5)),
        ([(b"openprequal-load", b"rif=2"), (b"OPENPREQUAL-LOAD", b"latency=0.5")], LoadReport(2, 0.5)),
        ([(b"X-Prequal-RIF", b"4"), (b"X-Prequal-Latency-Us", b"1500")], LoadReport(4, 0.0015)),
        ([(b"X-Prequal-RIF", b"4")], LoadReport(4, None)),
        ([(b"X-Prequal-RIF", b"4"), (b"OpenPrequal-Load", b"rif=2")], LoadReport(2, None)),
        ([(b"X-Prequal-Latency-Us", b"1500")], None),
        ([(b"X-Prequal-RIF", b"-4"), (b"X-Prequal-Latency-Us", b"1500")], None),
        ([(b"Content-Type", b"text/plain")], None),
        ([], None),
    ],
)
def test_a_report_is_found_among_fields(fields: list[tuple[bytes, bytes]], report: LoadReport | None) -> None:
    found = report_from_fields([Field(name, value) for name, value in fields])
    assert found is None if report is None else found == pytest.approx(report)


def test_a_report_in_the_body_is_understood() -> None:
    body = b'{"status": "ok", "rif": 7, "latency": 0.0123, "state": "draining"}'
    assert report_from_json(body) == LoadReport(7, 0.0123, LoadState.DRAINING)


def test_a_body_without_an_estimate_yet_is_understood() -> None:
    assert report_from_json(b'{"rif": 0, "latency": null, "state": "ready"}') == LoadReport(0, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[]",
        b"7",
        b"{}",
        b'{"rif": true}',
        b'{"rif": "7"}',
        b'{"rif": -1}',
        b'{"rif": NaN}',
        b'{"rif": 1e999}',
        b'{"rif": 1, "latency": -1}',
        b'{"rif": 1, "latency": {}}',
        b'{"rif": ' + b"9" * 5000 + b"}",
        b"[" * 60000,
        b"\xff\xfe",
        b'{"rif": 1, "padding": "' + b"x" * 70000 + b'"}',
    ],
)
def test_a_body_that_is_no_report_is_none(body: bytes) -> None:
    assert report_from_json(body) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({"rif": JSON, "latency": JSON, "state": JSON}))
def test_no_json_makes_it_raise(told: dict[str, object]) -> None:
    report = report_from_json(json.dumps(told).encode())
    assert report is None or 0 <= report.rif <= 1e5
