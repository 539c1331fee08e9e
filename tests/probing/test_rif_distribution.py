"""RifDistribution: the threshold between hot and cold (sections 4 and 5.3 of the paper)."""

from math import ceil, inf

from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.rif_distribution import RifDistribution


def threshold(quantile: float, rifs: list[float], history: int = 128) -> float:
    distribution = RifDistribution(quantile, history)
    for rif in rifs:
        distribution.observe(rif)
    return distribution.threshold


def test_a_quantile_of_0_makes_every_rif_but_zero_hot() -> None:
    assert 0 < threshold(0, [5, 6, 7]) < 0.001


def test_a_quantile_of_1_makes_no_rif_hot() -> None:
    assert threshold(1, [5, 6, 7]) == inf


def test_at_0_999_the_threshold_is_the_maximum_so_that_a_tie_for_it_is_hot() -> None:
    assert threshold(0.999, [3, 9, 1, 9, 4]) == 9


def test_where_the_quantile_is_zero_requests_zero_requests_are_cold() -> None:
    assert 0 < threshold(0.5, [0, 0, 0, 4]) < 0.001


def test_nobody_is_hot_while_nothing_is_known() -> None:
    assert threshold(0.84, []) == inf


def test_what_was_reported_long_ago_is_forgotten() -> None:
    assert threshold(0.84, [100.0] * 50 + [2.0] * 16, history=16) == 2


@given(st.floats(0.001, 0.999), st.lists(st.floats(0.5, 1e5), min_size=1, max_size=60), st.integers(1, 20))
def test_it_is_the_nearest_rank_of_the_last_reports(quantile: float, rifs: list[float], history: int) -> None:
    last = sorted(rifs[-history:])
    assert threshold(quantile, rifs, history) == last[ceil(quantile * len(last)) - 1]
