"""The fields of prequal-rs and libvmod-prequal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.report_formats.prequal_fields import LIBVMOD_PREQUAL, PREQUAL_RS, FieldPair
from openprequal.values import LoadReport, ReportFormat


@pytest.mark.parametrize(
    ("told", "rif", "latency_s"),
    [
        ({b"x-prequal-rif": b"4", b"x-prequal-latency-us": b"1500"}, 4, 0.0015),
        ({b"x-prequal-rif": b"0", b"x-prequal-latency-us": b"80"}, 0, 0.00008),
        ({b"x-prequal-rif": b"4"}, 4, None),
    ],
)
def test_prequal_rs_tells_microseconds(told: dict[bytes, bytes], rif: float, latency_s: float | None) -> None:
    report = PREQUAL_RS.report_in_fields(told)
    assert report == LoadReport(rif, latency_s, format=ReportFormat.PREQUAL_RS)


def test_libvmod_prequal_tells_milliseconds() -> None:
    report = LIBVMOD_PREQUAL.report_in_fields({b"x-in-flight": b"12", b"x-estimated-latency": b"35"})
    assert report == LoadReport(12, 0.035, format=ReportFormat.LIBVMOD_PREQUAL)


def test_a_latency_of_0_means_that_nothing_was_measured() -> None:
    report = PREQUAL_RS.report_in_fields({b"x-prequal-rif": b"4", b"x-prequal-latency-us": b"0"})
    assert report == LoadReport(4, None, format=ReportFormat.PREQUAL_RS)


@pytest.mark.parametrize(
    ("rif", "latency"),
    [
        (b"", b"1"),
        (b"-4", b"1500"),
        (b"nan", b"1500"),
        (b"4", b"inf"),
        (b"4", b"-1"),
        (b"4", b""),
        (b"999999", b"1"),
        (b"4", b"3600000001"),
        (b"4, 5", b"1500"),
    ],
)
def test_garbage_and_absurd_claims_are_no_report(rif: bytes, latency: bytes) -> None:
    assert PREQUAL_RS.report_in_fields({b"x-prequal-rif": rif, b"x-prequal-latency-us": latency}) is None


def test_a_latency_without_a_rif_is_no_report() -> None:
    assert PREQUAL_RS.report_in_fields({b"x-prequal-latency-us": b"1500"}) is None


VALUES = st.binary(max_size=20) | st.text(alphabet="0123456789.-+eE_ ", max_size=20).map(str.encode)


@given(st.sampled_from((PREQUAL_RS, LIBVMOD_PREQUAL)), VALUES, st.none() | VALUES)
def test_no_bytes_make_it_raise_or_believe_the_impossible(pair: FieldPair, rif: bytes, latency: bytes | None) -> None:
    told = {pair.keys[0]: rif} if latency is None else dict(zip(pair.keys, (rif, latency), strict=True))
    report = pair.report_in_fields(told)
    assert report is None or report.rif is not None
    assert report is None or (0 <= report.rif <= 1e5 and (report.latency_s is None or 0 < report.latency_s <= 3600))
