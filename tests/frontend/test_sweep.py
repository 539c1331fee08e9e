"""What takes too long is noticed soon, and looking for it does not take the time of everything else."""

from typing import Any

import pytest
from whole_gateway import WholeGateway, status

from openprequal.config.gateway import GatewaySettings
from openprequal.data_plane import sweep_interval_s
from openprequal.frontend.sweep import TICK_S, Sweep, interval_for


class Case:
    """Sweeps that take *takes_s* each."""

    def __init__(self, interval_s: float, takes_s: float = 0.0) -> None:
        self.now = 0.0
        self.at: list[float] = []
        self._takes_s = takes_s
        self.sweep = Sweep(lambda: self.now, self._expire, interval_s)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += TICK_S
            self.sweep.tick()

    def _expire(self) -> None:
        self.at.append(self.now)
        self.now += self._takes_s


@pytest.mark.parametrize("interval_s", [0.05, 0.1, 0.5])
def test_it_comes_again_after_its_interval(interval_s: float) -> None:
    case = Case(interval_s)
    case.run(5)
    assert len(case.at) == pytest.approx(5 / interval_s, abs=2)


def test_one_that_takes_long_comes_seldom() -> None:
    case = Case(0.05, takes_s=0.01)
    case.run(10)
    assert len(case.at) == pytest.approx(20, abs=2)


def test_another_interval_counts_from_the_next_on() -> None:
    case = Case(0.5)
    case.run(1)
    before = len(case.at)
    case.sweep.interval_s = 0.05
    case.run(2)
    assert len(case.at) - before > 5 * before


def test_short_time_outs_are_looked_at_ten_times_and_none_twice_a_second() -> None:
    assert interval_for([60.0, 1.0, None]) == pytest.approx(0.1)
    assert interval_for([None]) == 0.5


def test_a_short_time_out_of_the_queue_is_kept_to_a_tenth() -> None:
    whole = WholeGateway(service_max_in_flight=1, queue_timeout_seconds=1.0)
    whole.get()
    waits = whole.get()
    whole.wait(0.9)
    assert not waits.received
    whole.wait(0.3)
    assert status(waits) == 503
    whole.end()


def test_a_short_time_out_of_a_route_is_kept_to_a_tenth() -> None:
    whole = WholeGateway(routes=[{"name": "quick", "response_timeout_seconds": 0.3}])
    waits = whole.get()
    whole.wait(0.25)
    assert not waits.received
    whole.wait(0.15)
    assert status(waits) == 504
    whole.end()


@pytest.mark.parametrize(
    "settings",
    [
        {"routes": [{"name": "a", "total_timeout_seconds": 1}]},
        {"routes": [{"name": "a", "retry_attempts": 1}], "retry_attempts": 0, "try_timeout_seconds": 1},
        {"services": {"a": {"backend_max_in_flight": 1}}, "queue_timeout_seconds": 1},
        {"checks": {"a": {"kind": "forward", "url": "http://a.example", "timeout_seconds": 1}}},
        {"client_rate_window_seconds": 1},
    ],
)
def test_it_goes_by_the_shortest_time_out_wherever_that_is(settings: dict[str, Any]) -> None:
    assert sweep_interval_s(GatewaySettings(**{"queue_timeout_seconds": 60, **settings})) == pytest.approx(0.1)
