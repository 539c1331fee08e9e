"""The adaptive limit finds how much concurrency is of use, from a service that shares so many cores."""

import pytest

from openprequal.routing.concurrency_limit import TICK_S, AdaptiveLimit
from openprequal.values import Ending, Outcome

WORK_S = 0.02


class Case:
    """A service of *cores* that has always more requests than it may take."""

    def __init__(self, cores: float, work_s: float = WORK_S) -> None:
        self.limit = AdaptiveLimit(0.0)
        self.cores = cores
        self.work_s = work_s
        self.now = 0.0
        self._ended = 0.0

    def run(self, seconds: float, demand: float = float("inf")) -> None:
        """*demand*: requests under way if there were no limit."""
        for _ in range(round(seconds / TICK_S)):
            in_flight = min(demand, self.limit.allowed)
            latency_s = self.work_s * max(1.0, in_flight / self.cores)
            self._ended += in_flight / latency_s * TICK_S
            while self._ended >= 1:
                self._ended -= 1
                self.limit.finished(Outcome(Ending.RESPONSE, 200, latency_s))
            self.now += TICK_S
            self.limit.tick(self.now, reached=demand > self.limit.allowed)


@pytest.mark.parametrize("cores", [8, 64, 400])
def test_under_overload_it_comes_to_about_twice_what_the_cores_can_use(cores: float) -> None:
    case = Case(cores)
    case.run(30)
    seen = set()
    for _ in range(600):
        case.run(TICK_S)
        seen.add(case.limit.allowed)
    assert max(seen) < 3.0 * cores
    assert case.limit.allowed >= cores


def test_an_overload_that_lasts_does_not_become_the_yardstick() -> None:
    case = Case(8)
    case.run(1000)
    assert case.limit.unloaded_s == pytest.approx(WORK_S, rel=0.3)


def test_without_need_it_does_not_rise() -> None:
    case = Case(100)
    case.run(60, demand=5)
    assert case.limit.allowed == 16


def test_a_service_that_only_waits_gets_as_much_as_it_asks_for() -> None:
    case = Case(1e9)
    case.run(10, demand=500)
    assert case.limit.allowed >= 500


def test_when_the_service_becomes_slower_for_good_that_is_learned() -> None:
    case = Case(1e9)
    case.run(40, demand=100)
    case.work_s = 10 * WORK_S
    case.run(5, demand=100)
    assert case.limit.allowed < 50
    case.run(65, demand=100)
    assert case.limit.allowed >= 100


def test_at_its_least_the_latency_there_is_is_that_of_an_unloaded_service() -> None:
    case = Case(8)
    case.run(40)
    case.work_s = 3 * WORK_S
    case.run(3)
    assert case.limit.unloaded_s == pytest.approx(3 * WORK_S, rel=0.3)
    assert case.limit.allowed >= 8


def test_errors_are_no_measure() -> None:
    case = Case(8)
    case.run(5)
    unloaded_s = case.limit.unloaded_s
    for _ in range(100):
        case.limit.finished(Outcome(Ending.RESPONSE, 503, 0.0001))
        case.limit.finished(Outcome(Ending.CANCELLED, None, None))
    case.limit.tick(case.now, reached=True)
    assert case.limit.unloaded_s == unloaded_s
