"""The estimator against servers whose law is known."""

from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.agent.latency import BLOCK, CAP, ENOUGH, FRESH_S, LEAST_S, SAMPLES, LatencyEstimator


def estimate(estimator: LatencyEstimator, rif: int, now: float) -> float:
    latency_s = estimator.estimate(rif, now)
    assert latency_s is not None
    return latency_s


def learned(exponent: float, blocks: int = 10, seed: int = 1) -> tuple[LatencyEstimator, float]:
    """An estimator that saw requests of (rif + 1) ** exponent times 10 ms, noisy; and the time."""
    rng, estimator, now = Random(seed), LatencyEstimator(), 0.0
    for _ in range(blocks * SAMPLES):
        rif = rng.randrange(0, 20)
        now += 0.01
        estimator.add(rif, 0.01 * (rif + 1) ** exponent * rng.lognormvariate(0, 0.4), now)
    return estimator, now


def alike(others: float, latency_s: float, samples: int = ENOUGH) -> LatencyEstimator:
    """An estimator that saw nothing but so many of these, at the time 0."""
    estimator = LatencyEstimator()
    for _ in range(samples):
        estimator.add(others, latency_s, 0.0)
    return estimator


@pytest.mark.parametrize("samples", range(ENOUGH))
def test_fewer_than_eight_samples_are_no_estimate(samples: int) -> None:
    assert alike(0, 0.01, samples).estimate(0, 0.0) is None
    assert ENOUGH == 8


def test_eight_samples_alike_are_the_estimate_at_their_own_rif() -> None:
    assert estimate(alike(3, 0.2), 3, 0.0) == pytest.approx(0.2)


def test_a_server_just_flooded_is_not_thought_as_fast_as_before() -> None:
    estimator = LatencyEstimator()
    for n in range(SAMPLES):
        estimator.add(0, 0.01, n * 0.01)
    assert estimate(estimator, 9, 0.64) == pytest.approx(0.1)


def test_latency_on_a_shared_processor_is_scaled_to_the_present_rif() -> None:
    estimator, now = learned(1.0)
    assert estimator.exponent == 1.0
    assert estimate(estimator, 39, now) == pytest.approx(0.4, rel=0.25)


def test_latency_on_an_asynchronous_server_is_not_scaled() -> None:
    estimator, now = learned(0.0)
    assert estimator.exponent < 0.2
    assert estimate(estimator, 19, now) < 0.02


def test_a_slow_time_of_an_asynchronous_server_is_not_taken_for_a_shared_processor() -> None:
    # Little's law: when latency rises tenfold, so does the RIF; within either time they are independent.
    rng, estimator, now = Random(1), LatencyEstimator(), 0.0
    for n in range(20 * SAMPLES):
        slow = 10 if n // (2 * SAMPLES) % 2 else 1
        now += 0.01
        estimator.add(rng.randrange(2 * slow, 4 * slow), 0.01 * slow * rng.lognormvariate(0, 0.3), now)
    assert estimator.exponent < 0.35


def steady(latency_s: float, samples: int = 4 * SAMPLES) -> tuple[LatencyEstimator, float]:
    """An estimator that saw so many requests, each alone and as long; and the time."""
    estimator, now = LatencyEstimator(), 0.0
    for _ in range(samples):
        now += 0.01
        estimator.add(0, latency_s, now)
    return estimator, now


def test_the_estimate_is_the_ratio_of_two_sums() -> None:
    estimator = LatencyEstimator()
    for _ in range(4):
        estimator.add(0, 0.01, 0.0)
        estimator.add(4, 0.1, 0.0)
    # (0.01 + 0.1) / (1 + 5), but for the older samples' fading.
    assert estimate(estimator, 0, 0.0) == pytest.approx(0.11 / 6, rel=0.03)


def test_what_all_have_waited_since_the_last_sample_takes_the_place_of_its_latency() -> None:
    estimator = LatencyEstimator()
    for n in range(ENOUGH):
        estimator.add(4, 0.1, 0.0, awaited_s=0.5 if n % 2 else 1.5)
    assert estimate(estimator, 4, 0.0) == pytest.approx(1.0, rel=0.03)


def test_the_waiting_of_many_that_are_done_at_once_is_shared_among_them() -> None:
    estimator = LatencyEstimator()
    for n in range(4 * SAMPLES):
        estimator.add(3, 0.4, n // 4 * 0.4, awaited_s=0.0 if n % 4 else 1.6)
    assert estimate(estimator, 3, 4 * SAMPLES // 4 * 0.4) == pytest.approx(0.4, rel=0.1)


@pytest.mark.parametrize("awaited_s", [0.0, -50.0])
def test_a_waiting_of_nothing_or_less_counts_as_the_least(awaited_s: float) -> None:
    estimator = LatencyEstimator()
    for _ in range(ENOUGH):
        estimator.add(0, 0.1, 0.0, awaited_s)
    assert estimate(estimator, 0, 0.0) == pytest.approx(LEAST_S)


def test_the_average_of_others_need_not_be_whole() -> None:
    assert estimate(alike(1.5, 0.25), 0, 0.0) == pytest.approx(0.1)


@pytest.mark.parametrize("awaited_s", [None, 30.0])
def test_an_outlier_counts_as_twenty_times_what_was_expected(awaited_s: float | None) -> None:
    estimator, now = steady(0.01)
    estimator.add(0, 30.0 if awaited_s is None else 0.01, now, awaited_s)
    assert CAP == 20
    assert estimate(estimator, 0, now) == pytest.approx(0.01 * (1 + 19 / SAMPLES), rel=0.02)


@pytest.mark.parametrize("before", [1, ENOUGH - 1])
def test_among_the_first_eight_none_is_an_outlier(before: int) -> None:
    estimator = alike(0, 0.01, before)
    for _ in range(ENOUGH - before):
        estimator.add(0, 30.0, 0.0)
    mean_s = (0.01 * before + 30.0 * (ENOUGH - before)) / ENOUGH
    assert estimate(estimator, 0, 0.0) == pytest.approx(mean_s, rel=0.15)


def test_the_ninth_sample_may_be_an_outlier() -> None:
    estimator = alike(0, 0.01)
    estimator.add(0, 30.0, 0.0)
    assert estimate(estimator, 0, 0.0) < 0.01 * CAP


@pytest.mark.parametrize("ratio", [3, 0.2])
def test_a_server_that_has_become_slower_or_faster_is_believed_soon(ratio: float) -> None:
    estimator, now = steady(0.01)
    for _ in range(3 * SAMPLES):
        estimator.add(0, 0.01 * ratio, now)
    assert estimate(estimator, 0, now) == pytest.approx(0.01 * ratio, rel=0.25)


def test_samples_from_before_a_pause_do_not_outvote_those_after_it() -> None:
    estimator, now = steady(0.1)
    for n in range(3):
        estimator.add(0, 0.01, now + 100 + n)
    assert estimate(estimator, 0, now + 103) == pytest.approx(0.01, rel=0.1)


def test_in_a_pause_old_samples_fade_to_a_third_every_so_many_seconds() -> None:
    estimator = alike(0, 0.05)
    for _ in range(ENOUGH):
        estimator.add(0, 0.01, FRESH_S)
    weight = exp(-1) * (1 - 1 / SAMPLES) ** ENOUGH
    assert estimate(estimator, 0, FRESH_S) == pytest.approx((0.05 * weight + 0.01) / (weight + 1), rel=0.001)


def test_what_it_remembers_does_not_grow() -> None:
    estimator, _ = learned(0.7, blocks=100)
    kept = [getattr(estimator, name) for name in LatencyEstimator.__slots__]
    assert {type(value) for value in kept} <= {int, float}


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(1e-4, 10), st.floats(0, 3)), min_size=ENOUGH, max_size=BLOCK - 1))
def test_the_estimate_is_an_average_of_the_samples(samples: list[tuple[float, float, float]]) -> None:
    # The exponent is 1 as long as the first block is not full.
    estimator, now, units = LatencyEstimator(), 0.0, []
    for others, latency_s, pause_s in samples:
        now += pause_s
        estimator.add(others, latency_s, now)
        units.append(latency_s / (others + 1))
    assert min(units) * 0.999 <= estimate(estimator, 0, now) <= max(units) * 1.001


def test_a_high_value_of_an_idle_server_fades_so_that_it_is_tried_again() -> None:
    estimator = alike(0, 1.0)
    assert estimate(estimator, 0, 10.0) == pytest.approx(1.0)
    assert estimate(estimator, 0, 60.0) < 0.05
    assert estimate(estimator, 0, 100_000.0) == pytest.approx(1 / 64)


def test_the_value_of_a_busy_server_that_is_silent_does_not_fade() -> None:
    estimator = alike(1, 1.0)
    assert estimate(estimator, 1, 60.0) == pytest.approx(1.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 5000),
            st.floats(0, 1e5),
            st.sampled_from((0.0, 0.001, 1.0, 30.0, 1e6)),
            st.none() | st.floats(-1e5, 1e8),
        ),
        min_size=ENOUGH,
        max_size=200,
    )
)
def test_whatever_it_sees_the_estimate_is_finite_and_grows_with_the_rif(
    samples: list[tuple[float, float, float, float | None]],
) -> None:
    estimator, now = LatencyEstimator(), 0.0
    for n, (rif, latency_s, pause_s, awaited_s) in enumerate(samples, 1):
        now += pause_s
        estimator.add(rif, latency_s, now, awaited_s)
        if n >= ENOUGH:
            assert 0 < estimate(estimator, 1, now) <= estimate(estimator, 10, now) * 1.000001 < 1e12
    assert 0.0 <= estimator.exponent <= 1.0
