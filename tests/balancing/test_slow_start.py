"""A backend that joins others gets less than its share at first, under balancers that do not see its load."""

from collections import Counter
from random import Random

import pytest
from twisted.internet.task import Clock
from whole_gateway import WholeGateway

from openprequal.balancing.catalogue import BALANCERS
from openprequal.balancing.slow_start import SlowStart
from openprequal.interfaces import BalancerContext
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, LoadReport, LoadState

OLD, OTHER, NEW = (Backend(url=f"http://{name}:80") for name in ("old", "other", "new"))
SECONDS = 10.0


class Case:
    """Two backends that have been there for long, under a balancer that goes by turns."""

    def __init__(self, balancer: str = "round_robin") -> None:
        self.clock = Clock()
        inner = BALANCERS[balancer](BalancerContext(self.clock, Random(1), ScriptedProbes(self.clock), {}))
        self.balancer = SlowStart(self.clock, inner, SECONDS)
        self.balancer.up(OLD)
        self.balancer.up(OTHER)
        self.wait(2 * SECONDS)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / SlowStart.tick_interval_s)):
            self.clock.advance(SlowStart.tick_interval_s)
            self.balancer.tick()

    def share_of_new(self) -> float:
        """Of 2200 picks."""
        picked: Counter[object] = Counter()
        for _ in range(2200):
            backend = self.balancer.pick(AnyRequest(), ())
            assert isinstance(backend, Backend)
            picked[backend.id] += 1
        return picked[NEW.id] / 2200


def test_a_newcomer_gets_a_fifth_of_a_share_and_more_and_more_of_it() -> None:
    case = Case()
    case.balancer.up(NEW)
    assert case.share_of_new() == pytest.approx(1 / 11, rel=0.05)
    case.wait(SECONDS / 2)
    assert 1 / 8 < case.share_of_new() < 1 / 4
    case.wait(SECONDS)
    assert case.share_of_new() == pytest.approx(1 / 3, rel=0.05)


def test_one_that_says_that_it_warms_up_gets_half_a_share_for_as_long() -> None:
    case = Case()
    case.balancer.up(NEW)
    case.wait(2 * SECONDS)
    case.balancer.reported(NEW, LoadReport(1.0, 0.1, LoadState.WARMING))
    assert case.share_of_new() == pytest.approx(1 / 5, rel=0.05)
    case.balancer.reported(NEW, LoadReport(1.0, 0.1))
    assert case.share_of_new() == pytest.approx(1 / 3, rel=0.05)


def test_those_that_come_together_are_not_spared() -> None:
    case = Case()
    for backend in (OLD, OTHER):
        case.balancer.down(backend)
    for backend in (OLD, OTHER, NEW):
        case.balancer.up(backend)
    assert case.share_of_new() == pytest.approx(1 / 3, rel=0.05)


def test_one_that_goes_while_it_is_spared_is_forgotten() -> None:
    case = Case()
    case.balancer.up(NEW)
    case.balancer.down(NEW)
    case.wait(1)
    assert case.share_of_new() == 0


def test_a_weight_that_changes_meanwhile_counts() -> None:
    case = Case()
    case.balancer.up(NEW)
    case.balancer.reweighted(Backend(url=NEW.url, weight=2.0))
    case.wait(2 * SECONDS)
    assert case.share_of_new() == pytest.approx(1 / 2, rel=0.05)


@pytest.mark.parametrize(("seconds", "expected"), [(SECONDS, 10), (0.0, 30)])
def test_the_gateway_spares_newcomers_unless_told_otherwise(seconds: float, expected: int) -> None:
    whole = WholeGateway(2, load_balancer_class="RoundRobin", slow_start_seconds=seconds)

    def serve_for(seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            whole.wait(0.25)
            for backend in whole.backends:
                backend.answer_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    last = whole.backends[-1]
    assert whole.post("/unregister", {"url": last.url})[0] == 200
    serve_for(1.5 * SECONDS)
    assert whole.post("/register", {"url": last.url})[0] == 200
    serve_for(0.5)
    for _ in range(60):
        whole.get()
    row = next(row for row in whole.rows if row["url"] == last.url)
    assert row["in_flight"] == pytest.approx(expected, abs=2)
    whole.end()
