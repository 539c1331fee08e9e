"""The bars are judged by the medians of p99, and a miss is an exit status."""

from math import inf

import pytest

from openprequal.simulation.bars import Bar, verdicts
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.results import Results

from .fleets import measured, results

BAR = Bar("bursts", 0.5, "random")


@pytest.mark.parametrize(("p99_s", "holds"), [(0.049, True), (0.05, True), (0.051, False), (inf, False)])
def test_a_bar_is_met_up_to_its_factor(p99_s: float, holds: bool) -> None:
    verdict = BAR.verdict(results("bursts", prequal=p99_s, random=0.1))
    assert verdict is not None
    assert verdict.holds is holds


def test_failures_everywhere_are_no_verdict() -> None:
    verdict = BAR.verdict(results("bursts", prequal=inf, random=inf))
    assert verdict is not None
    assert verdict.holds is None


@pytest.mark.parametrize("run", [{"prequal": 0.1}, {"random": 0.1}])
def test_what_was_not_run_is_not_judged(run: dict[str, float]) -> None:
    assert BAR.verdict(results("bursts", **run)) is None


def test_the_best_rival_is_neither_omniscient_nor_prequal() -> None:
    verdict = Bar("bursts", 1.05).verdict(
        results("bursts", omniscient=0.05, prequal=0.1, prequal_sync=0.01, random=0.4, least_rif=0.2)
    )
    assert verdict is not None
    assert "least_rif" in verdict.claim
    assert verdict.seen == "0.50 × (100 to 200 ms)"
    assert verdict.holds


def test_every_scenario_has_a_bar() -> None:
    for scenario in SCENARIOS:
        assert verdicts(results(scenario, prequal=0.1, least_in_flight=0.1, least_rif=0.07))


def test_antagonists_have_the_bars_against_each_rival_and_the_limit() -> None:
    found = verdicts(
        results(
            "antagonists-0.9",
            prequal=0.15,
            least_in_flight=0.264,
            least_in_flight_p2c=0.387,
            peak_ewma=0.298,
            omniscient=0.106,
        )
    )
    assert [verdict.holds for verdict in found] == [True, True, True, True, True]
    assert "aim 1.25" in found[3].claim


def test_rules_are_compared_on_the_seeds_that_both_were_run_with() -> None:
    ours = [measured("bursts", "prequal", p99_s, seed=seed) for seed, p99_s in ((1, 0.1), (2, 0.5), (3, 0.5))]
    theirs = [measured("bursts", "random", 0.2, seed=1)]
    verdict = BAR.verdict(Results([*ours, *theirs]))
    assert verdict is not None
    assert verdict.seen == "0.50 × (100 to 200 ms)"


def test_without_a_seed_in_common_nothing_is_judged() -> None:
    ours, theirs = measured("bursts", "prequal", 0.1, seed=1), measured("bursts", "random", 0.2, seed=2)
    assert BAR.verdict(Results([ours, theirs])) is None
