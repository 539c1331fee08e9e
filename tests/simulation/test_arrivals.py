"""When requests come, and worth how much."""

from statistics import mean

import pytest
from attrs import evolve

from openprequal.simulation.arrivals import arrivals
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.scenario import Ramp

SCENARIO = evolve(SCENARIOS["antagonists-0.9"], requests=4000)


def test_the_same_seed_gives_the_same_requests() -> None:
    assert list(arrivals(SCENARIO, 1)) == list(arrivals(SCENARIO, 1)) != list(arrivals(SCENARIO, 2))


def test_they_come_at_the_scenarios_rate_and_spread_over_its_gateways() -> None:
    coming = list(arrivals(SCENARIO, 1))
    assert mean(each.wait_s for each in coming) == pytest.approx(1 / SCENARIO.rate, rel=0.1)
    assert {each.gateway for each in coming} == set(range(SCENARIO.proxies))


def test_a_ramp_has_the_scenarios_load_on_average() -> None:
    ramp = Ramp()
    assert mean(ramp.rate(step / 900) for step in range(900)) == pytest.approx(1.0)


def test_a_ramp_of_nine_levels_grows_from_three_quarters_to_the_papers_1_74() -> None:
    ramp = Ramp()
    load = 0.75 / ramp.rate(0.0)
    assert load * ramp.rate(0.999) == pytest.approx(1.74, abs=0.01)
    assert ramp.rate(1.5) == ramp.rate(0.999)


def test_under_a_ramp_they_come_faster_and_faster() -> None:
    waits = [each.wait_s for each in arrivals(evolve(SCENARIO, ramp=Ramp()), 1)]
    assert mean(waits[:1000]) > 1.5 * mean(waits[-1000:])
