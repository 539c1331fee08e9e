"""A shadow is asked beside the balancer that decides, hears the same, and never changes what becomes of a request."""

from random import Random
from typing import Any

import pytest
from twisted.internet.task import Clock

from openprequal.balancing.catalogue import BALANCERS, WAITING
from openprequal.balancing.shadow import Shadowed
from openprequal.interfaces import BalancerContext, IBalancer
from openprequal.probing.overheard import WAIT_S, HeardByAnother, Overheard
from openprequal.testing.balancer_contract import (
    ANSWERED,
    AnyRequest,
    BalancerContract,
    PendingBalancerContract,
    some_backends,
)
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, LoadReport

AT_ONCE = sorted(set(BALANCERS) - WAITING)


def shadowed(context: BalancerContext, name: str, shadow: str | IBalancer) -> Shadowed:
    """The balancer of that name with a shadow of that name, as the gateway puts them together."""
    overheard = Overheard(context.clock)
    both: list[Shadowed] = []
    probes = HeardByAnother(context.probes, lambda backend, report: both[0].overheard(backend, report))
    decides = BALANCERS[name](BalancerContext(context.clock, context.rng, probes, context.parameters))
    beside: Any = shadow
    if isinstance(shadow, str):
        beside = BALANCERS[shadow](BalancerContext(context.clock, Random(5), overheard))
    both.append(Shadowed(decides, beside, overheard, lambda backend: 0))
    return both[0]


class Case:
    """Two that are asked together, on a virtual clock."""

    def __init__(self, name: str, shadow: str | IBalancer, backends: int = 4, *, seed: int = 1) -> None:
        self.clock = Clock()
        self.probes = ScriptedProbes(self.clock)
        self.balancer = shadowed(BalancerContext(self.clock, Random(seed), self.probes), name, shadow)
        self.backends = some_backends(backends)
        for backend in self.backends:
            self.balancer.up(backend)

    def serve(self, count: int) -> list[str]:
        """Ids of those picked; each answers, and reports."""
        picked = []
        for number in range(count):
            backend = self.balancer.pick(AnyRequest(client=f"192.0.2.{number % 200}"), ())
            assert isinstance(backend, Backend)
            picked.append(backend.id)
            self.balancer.started(backend)
            self.clock.advance(0.01)
            self.balancer.reported(backend, LoadReport(number % 4, 0.01 * (1 + number % 3), utilization=0.5))
            self.balancer.finished(backend, ANSWERED)
            self.balancer.tick_shadow()
        return picked


class Broken:
    """A balancer that raises at the event that it is told."""

    def __init__(self, event: str) -> None:
        self.pick_counts: dict[str, int] = {}
        self._event = event

    def __getattr__(self, name: str) -> Any:
        def heard(*_: object) -> None:
            if name == self._event:
                raise RuntimeError("on purpose")

        return heard


class TestOneThatPicksAtOnceWithAShadow(BalancerContract):
    def make(self, context: BalancerContext) -> IBalancer:
        return shadowed(context, "prequal", "least_rif")


class TestOneWhosePicksWaitWithAShadow(PendingBalancerContract):
    def make(self, context: BalancerContext) -> IBalancer:
        return shadowed(context, "prequal_sync", "prequal")


@pytest.mark.parametrize("name", AT_ONCE)
def test_picks_are_the_same_with_a_shadow_as_without(name: str) -> None:
    with_shadow = Case("round_robin", name)
    other = Case("round_robin", "round_robin")
    assert with_shadow.serve(100) == other.serve(100)
    assert with_shadow.balancer.off is None


def test_draws_of_the_shadow_are_its_own() -> None:
    assert Case("random", "random").serve(100) == Case("random", "round_robin").serve(100)


def test_it_is_counted_how_often_both_agree() -> None:
    case = Case("round_robin", "round_robin")
    case.serve(10)
    assert case.balancer.same == {"true": 10, "false": 0}
    case = Case("round_robin", "random")
    case.serve(200)
    assert sum(case.balancer.same.values()) == 200
    assert 20 < case.balancer.same["true"] < 80


def test_what_it_would_have_picked_is_counted_by_backend() -> None:
    case = Case("round_robin", "ring_hash", 2)
    case.serve(100)
    counts = [case.balancer.picks_of(backend.id) for backend in case.backends]
    assert [picked for picked, _ in counts] == [50, 50]
    assert sum(foreseen for _, foreseen in counts) == 100
    assert sum(share for share, _ in case.balancer.shares.values()) == pytest.approx(1.0)


def test_one_that_has_left_is_counted_no_more() -> None:
    case = Case("round_robin", "round_robin", 2)
    case.serve(10)
    case.balancer.down(case.backends[0])
    case.balancer.forget(case.backends[0])
    assert case.balancer.shares == {case.backends[1].id: (1.0, 1.0)}


def test_a_shadow_sends_no_probes() -> None:
    case = Case("round_robin", "prequal")
    case.serve(50)
    case.clock.advance(5)
    case.balancer.tick_shadow()
    assert case.probes.sent == []


def test_a_shadow_hears_the_answers_to_the_others_probes() -> None:
    case = Case("prequal", "least_rif", 2)
    for backend, rif in zip(case.backends, (9, 1), strict=True):
        case.probes.answer(backend, LoadReport(rif, 0.01))
    case.clock.advance(1)
    case.balancer.tick()
    case.clock.advance(0.01)
    shadow: Any = case.balancer.shadow
    assert {each.id: each.rif for each in shadow.explain(AnyRequest()).pool} == {
        case.backends[0].id: 9,
        case.backends[1].id: 1,
    }


def test_a_shadow_hears_reports_on_responses() -> None:
    case = Case("round_robin", "least_rif", 2)
    case.balancer.reported(case.backends[0], LoadReport(5, 0.01))
    shadow: Any = case.balancer.shadow
    assert [each.rif for each in shadow.explain(AnyRequest()).pool] == [5, 0]


@pytest.mark.parametrize("decides", ["least_in_flight", "random"])
def test_a_shadow_hears_of_requests_of_other_processes(decides: str) -> None:
    case = Case(decides, "least_in_flight", backends=2)
    busy, idle = case.backends
    case.balancer.elsewhere(busy, 7)
    for _ in range(20):
        case.balancer.pick(AnyRequest(), ())
    assert case.balancer.picks_of(busy.id)[1] == 0
    assert case.balancer.picks_of(idle.id)[1] == 20


def test_a_probe_of_a_shadow_is_answered_with_the_next_report_or_in_the_end_not_at_all() -> None:
    clock = Clock()
    overheard = Overheard(clock)
    (backend,) = some_backends(1)
    heard: list[LoadReport | None] = []
    overheard.probe(backend, heard.append)
    report = LoadReport(1, 0.01)
    assert overheard.told(backend, report)
    assert not overheard.told(backend, report)
    overheard.probe(backend, heard.append)
    clock.advance(WAIT_S - 0.1)
    overheard.expire()
    assert heard == [report]
    clock.advance(0.1)
    overheard.expire()
    overheard.expire()
    assert heard == [report, None]


def test_a_report_on_a_response_answers_with_its_request_counted() -> None:
    overheard = Overheard(Clock())
    context = BalancerContext(Clock(), Random(1), overheard)
    (backend,) = some_backends(1)
    heard: list[LoadReport | None] = []
    one_under_way = Shadowed(BALANCERS["random"](context), BALANCERS["random"](context), overheard, lambda backend: 1)
    overheard.probe(backend, heard.append)
    one_under_way.reported(backend, LoadReport(3, 0.01))
    assert heard == [LoadReport(4, 0.01)]


@pytest.mark.parametrize("event", ["up", "down", "reweighted", "pick", "started", "finished", "reported", "tick"])
def test_a_shadow_that_raises_is_switched_off_with_a_log_entry_and_harms_nobody(event: str, logged: list[str]) -> None:
    broken: Any = Broken(event)
    case = Case("round_robin", broken)
    case.serve(5)
    case.balancer.reweighted(case.backends[0])
    case.balancer.down(case.backends[0])
    assert case.backends[0].id not in case.serve(20)
    assert case.balancer.off == "it raised"
    assert len(logged) == 1


def test_one_that_is_switched_off_costs_nothing_any_more() -> None:
    broken: Any = Broken("pick")
    case = Case("round_robin", broken)
    case.serve(2)
    assert case.balancer.pick == case.balancer.wrapped.pick
    assert case.balancer.finished == case.balancer.wrapped.finished


def test_a_shadow_whose_picks_wait_is_switched_off(logged: list[str]) -> None:
    case = Case("round_robin", "prequal_sync")
    case.serve(2)
    assert case.balancer.off == "its picks wait"
    assert len(logged) == 1


def test_what_the_one_that_decides_tells_is_told() -> None:
    case = Case("prequal", "round_robin")
    case.serve(3)
    assert case.balancer.last_reason in {"cold", "hot"}
    assert sum(case.balancer.pick_counts.values()) == 3
    assert set(case.balancer.estimates()) == {backend.id for backend in case.backends}
