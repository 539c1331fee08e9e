"""Advice says plainly which balancer to take, Prequal or not."""

from math import inf

import pytest

from openprequal.simulation.results import Results
from openprequal.simulation.what_if import advice

from .fleets import measured, results


def test_prequal_is_recommended_where_it_is_clearly_better() -> None:
    said = advice(results("mine", prequal=0.1, random=0.9, least_in_flight=0.2, omniscient=0.08), "mine")
    assert "p99 100 against 200 ms of least_in_flight, the best simple rule, 50% less" in said
    assert "would get 80 ms" in said
    assert said.endswith("Take prequal.")


@pytest.mark.parametrize("p99_s", [0.19, 0.2, 0.3, inf])
def test_prequal_is_not_recommended_within_five_percent_of_the_best_simple_rule(p99_s: float) -> None:
    said = advice(results("mine", prequal=p99_s, random=0.9, least_in_flight=0.2), "mine")
    assert "Prequal is not worth it here" in said
    assert said.endswith("Take least_in_flight.")


def test_the_better_variant_of_prequal_is_recommended() -> None:
    variants = [("prequal", 0.15), ("prequal:q_rif=0", 0.1), ("random", 0.9)]
    said = advice(Results([measured("mine", rule, value) for rule, value in variants]), "mine")
    assert said.endswith("Take prequal:q_rif=0.")


def test_another_rule_that_goes_by_load_is_named_if_better_still() -> None:
    said = advice(results("mine", prequal=0.15, least_rif=0.1, random=0.9), "mine")
    assert "least_rif is better still: 100 ms" in said
    assert said.endswith("Take least_rif.")


def test_without_prequal_the_rest_is_compared() -> None:
    assert advice(results("mine", least_rif=0.1, random=0.9), "mine").startswith("Take least_rif: p99 100 against 900")
    assert advice(results("mine", least_rif=0.89, random=0.9), "mine").startswith("Take random: nothing")
    assert advice(results("mine", random=0.9), "mine").startswith("Nothing to compare")


def test_an_overloaded_fleet_is_told_so() -> None:
    runs = [measured("mine", rule, inf, failed=200) for rule in ("prequal", "random")]
    said = advice(Results(runs), "mine")
    assert "Even the best loses 20.0% of the requests: the fleet is overloaded" in said
    assert "not worth it" in said
