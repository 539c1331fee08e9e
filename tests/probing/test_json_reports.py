"""JSON bodies of probe paths: as the public implementations write them, and the one name that means two units."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.report_formats.json_bodies import EXPECTED, is_report, json_object, report_in_json
from openprequal.values import LoadReport, LoadState, ReportFormat

AUTO, JSON = ReportFormat.AUTO, ReportFormat.JSON


def read(body: bytes, expected: ReportFormat = AUTO) -> LoadReport | None:
    told = json_object(body)
    assert told is not None
    return report_in_json(told, expected)


def test_ours_is_known_by_its_state_and_tells_seconds() -> None:
    body = b'{"status": "ok", "rif": 7, "latency": 2, "state": "draining"}'
    assert read(body) == LoadReport(7, 2, LoadState.DRAINING)


@pytest.mark.parametrize(
    ("body", "rif", "latency_s"),
    [
        (b'{"status":"ok","in_flight_requests":2,"rif_avg_latency":0.1,"overall_avg_latency":0.2}', 2, 0.1),
        (b'{"status":"ok","in_flight_requests":2.0,"rif_avg_latency":0.0,"overall_avg_latency":0.2}', 2, 0.2),
        (b'{"status":"ok","in_flight_requests":0,"rif_avg_latency":0.0,"overall_avg_latency":0.0}', 0, None),
    ],
)
def test_openprequal_on_fastapi_is_understood(body: bytes, rif: float, latency_s: float | None) -> None:
    assert read(body) == LoadReport(rif, latency_s, format=ReportFormat.OPENPREQUAL_FASTAPI)


@pytest.mark.parametrize(
    ("body", "rif", "latency_s"),
    [
        (b'{"rif":3,"latencyEstimateMillis":102}', 3, 0.102),
        (b'{"rif":3,"latency_median_ms":12.5,"timestamp_ms":1732348800000}', 3, 0.0125),
        (b'{"rif":3,"latency_us":1500,"cpu_util":0.4}', 3, 0.0015),
        (b'{"rif":3,"latency":25000000}', 3, 0.025),
        (b'{"requests_in_flight":3,"average_latency_ms":9,"rif_keyed_latency_ms":4}', 3, 0.004),
        (b'{"rif":3,"latencyEstimateMillis":0}', 3, None),
        (b'{"rif":3}', 3, None),
    ],
)
def test_the_bodies_of_others_are_understood(body: bytes, rif: float, latency_s: float | None) -> None:
    assert read(body) == LoadReport(rif, latency_s, format=JSON)


def test_a_fraction_without_a_state_is_seconds() -> None:
    assert read(b'{"rif": 3, "latency": 0.025}') == LoadReport(3, 0.025)


@pytest.mark.parametrize(("latency", "latency_s"), [(3601, 3601e-9), (10_000, 1e-5), (3_000_000_000, 3.0)])
def test_a_whole_number_that_cannot_be_seconds_is_nanoseconds(latency: int, latency_s: float) -> None:
    report = read(b'{"rif": 3, "latency": %d}' % latency)
    assert report is not None
    assert report.latency_s == pytest.approx(latency_s)


@pytest.mark.parametrize("latency", [0, 1, 2, 3600])
def test_a_whole_number_that_may_be_either_is_no_latency_but_the_rif_counts(latency: int) -> None:
    assert read(b'{"rif": 3, "latency": %d}' % latency) == LoadReport(3, None, format=JSON)


def test_the_services_format_settles_what_a_small_whole_number_is() -> None:
    body = b'{"rif": 3, "latency": 2000}'
    assert read(body, JSON) == LoadReport(3, 2e-6, format=JSON)
    assert read(body, ReportFormat.OPENPREQUAL) == LoadReport(3, 2000)


@pytest.mark.parametrize(
    "body",
    [
        b'{"rif": true}',
        b'{"rif": "7"}',
        b'{"rif": -1}',
        b'{"rif": null, "state": "ready"}',
        b'{"rif": NaN}',
        b'{"rif": 1e999}',
        b'{"rif": 1, "latency": -1}',
        b'{"rif": 1, "latency": {}}',
        b'{"rif": 1, "latency": 3600000000001}',
        b'{"rif": 1, "latency_us": "soon"}',
        b'{"rif": 1, "latencyEstimateMillis": NaN}',
        b'{"in_flight_requests": -1}',
        b'{"in_flight_requests": 1, "rif_avg_latency": 0.1, "overall_avg_latency": -5}',
    ],
)
def test_a_report_that_cannot_be_is_none_though_it_is_one(body: bytes) -> None:
    told = json_object(body)
    assert told is not None
    assert is_report(told, AUTO)
    assert report_in_json(told, AUTO) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"[]", b"7", b'{"rif": ' + b"9" * 5000 + b"}", b"{" + b'"a":[' * 30000, b"{\xff\xfe}", b"{}}"],
)
def test_what_is_no_json_object_is_none(body: bytes) -> None:
    assert json_object(body) is None


def test_an_object_about_something_else_is_no_report() -> None:
    assert not is_report({"status": "ok", "uptime": 7}, AUTO)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
NAMES = (
    "rif",
    "in_flight_requests",
    "requests_in_flight",
    "state",
    "latency",
    "latency_us",
    "latency_median_ms",
    "latencyEstimateMillis",
    "rif_avg_latency",
    "overall_avg_latency",
    "rif_keyed_latency_ms",
    "average_latency_ms",
)


@given(st.dictionaries(st.sampled_from(NAMES), ANY_JSON), st.sampled_from(sorted(EXPECTED)))
def test_no_json_makes_it_raise_or_believe_the_impossible(told: dict[str, object], expected: ReportFormat) -> None:
    body = json_object(json.dumps(told).encode())
    assert body is not None
    report = report_in_json(body, expected) if is_report(body, expected) else None
    if report is not None:
        assert report.rif is not None
        assert 0 <= report.rif <= 1e5
        assert report.latency_s is None or 0 <= report.latency_s <= 3600


@given(st.binary(max_size=60).map(lambda rest: b"{" + rest))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    assert json_object(body) is None or isinstance(json_object(body), dict)
