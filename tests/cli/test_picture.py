"""What the pages of a gateway add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import picture, row

from openprequal.cli.picture import ServiceCounts, picks_since, quantile, service_lines, shares_of

INF = float("inf")


def test_rates_are_of_the_time_between_two_looks() -> None:
    before = picture(row(1), at=10.0, default=ServiceCounts(requests=100, errors=4))
    now = picture(row(1), at=12.0, default=ServiceCounts(requests=150, errors=5))
    (line,) = service_lines(now, before)
    assert (line.requests_per_s, line.errors_per_s) == (25, 0.5)


def test_a_gateway_that_was_restarted_counts_from_zero() -> None:
    before = picture(row(1, picks=90), at=10.0, default=ServiceCounts(requests=100))
    now = picture(row(1, picks=20), at=12.0, default=ServiceCounts(requests=30))
    (line,) = service_lines(now, before)
    assert line.requests_per_s == 15
    assert list(picks_since(now, before).values()) == [20]


def test_shares_are_those_of_the_service() -> None:
    now = picture(row(1, picks=30), row(2, picks=10), row(3, "api", picks=5), row(4, "idle"))
    assert list(shares_of(picks_since(now, None)).values()) == [0.75, 0.25, 1.0, None]


def test_a_service_without_backends_is_told_too() -> None:
    lines = service_lines(picture(row(1), default=ServiceCounts(), api=ServiceCounts(queued=3)), None)
    assert [(line.name, line.up, line.backends, line.queued) for line in lines] == [
        ("default", 1, 1, 0),
        ("api", 0, 0, 3),
    ]


@pytest.mark.parametrize(
    ("buckets", "q", "expected"),
    [
        ({}, 0.5, None),
        ({0.1: 0.0, INF: 0.0}, 0.5, None),
        ({0.1: 10.0, 0.2: 20.0, INF: 20.0}, 0.5, 0.1),
        ({0.1: 10.0, 0.2: 20.0, INF: 20.0}, 0.75, 0.15),
        ({0.1: 0.0, 0.2: 0.0, INF: 4.0}, 0.99, 0.2),
    ],
)
def test_percentiles_are_as_prometheus_reckons_them(
    buckets: dict[float, float], q: float, expected: float | None
) -> None:
    found = quantile(buckets, q)
    assert found == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.integers(0, 100), min_size=3, max_size=3), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_higher_percentile_is_no_lower(counts: list[int], one: float, other: float) -> None:
    bounds, total, buckets = (0.1, 0.5, INF), 0, {}
    for bound, count in zip(bounds, counts, strict=True):
        total += count
        buckets[bound] = float(total)
    low, high = (quantile(buckets, q) for q in sorted((one, other)))
    assert (low is None) == (total == 0)
    assert low is None or (high is not None and low <= high + 1e-12)
