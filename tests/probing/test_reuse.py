"""The reuse budget (section 4 of the paper) and where its formula is undefined."""

from random import Random

import pytest

from openprequal.probing.reuse import reuse_budget, round_randomly


def test_the_baseline_with_a_hundred_replicas_gives_1_32() -> None:
    budget = reuse_budget(pool_size=16, backends=100, probe_rate=3, remove_rate=1, delta=1)
    assert budget == pytest.approx(1.32, abs=0.005)


@pytest.mark.parametrize("backends", [1, 2, 3, 16, 24])
def test_at_the_baseline_the_formula_is_undefined_up_to_24_backends(backends: int) -> None:
    assert reuse_budget(16, backends, 3, 1, 1) is None


def test_at_the_baseline_the_formula_is_defined_from_25_backends() -> None:
    assert reuse_budget(16, 25, 3, 1, 1) == pytest.approx(2 / 0.08)


@pytest.mark.parametrize("probe_rate", [0, 0.5, 1])
def test_it_is_undefined_at_every_size_when_no_more_is_probed_than_removed(probe_rate: float) -> None:
    assert reuse_budget(16, 1_000_000, probe_rate, 1, 1) is None


def test_it_is_never_less_than_one_use() -> None:
    assert reuse_budget(16, 10_000, 50, 1, 1) == 1.0


def test_without_backends_there_is_no_budget() -> None:
    assert reuse_budget(16, 0, 3, 1, 1) is None


def test_random_rounding_keeps_the_expectation() -> None:
    rng = Random(1)
    draws = [round_randomly(1.32, rng) for _ in range(20_000)]
    assert set(draws) == {1, 2}
    assert sum(draws) / len(draws) == pytest.approx(1.32, abs=0.02)


def test_a_whole_number_stays_what_it_is() -> None:
    assert {round_randomly(2.0, Random(seed)) for seed in range(50)} == {2}
