"""Limits hold for the requests of all workers, and balancers hear of those of the others."""

from random import Random
from typing import Any

import pytest
from twisted.internet.task import Clock

from openprequal.balancing.catalogue import BALANCERS
from openprequal.interfaces import BalancerContext
from openprequal.metrics.exemplars import Exemplars
from openprequal.metrics.gateway_samples import service_samples
from openprequal.metrics.tally import RequestTally
from openprequal.routing.concurrency_limit import FixedLimit
from openprequal.routing.limited_service import LimitedService
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.routing.sticky_service import LimitedStickyService, StickyService
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Ending, Outcome
from openprequal.workers.counts import CountsMap, OwnCounts, made
from openprequal.workers.shared_service import SharedKinds

CELLS = 8
ANSWERED = Outcome(Ending.RESPONSE, 200, 0.1)
NOBODY: frozenset[str] = frozenset()


class Waiting:
    """Something in the queue."""

    def __init__(self) -> None:
        self.turns = 0

    def slot_free(self) -> None:
        self.turns += 1


class Worker:
    """One worker with its service, whose backends are up."""

    def __init__(self, clock: Clock, counts: CountsMap, row: int, kind: type[Service], balancer: str, **options: Any):
        self.counts = OwnCounts(counts, row)
        self.counts.learn({"s": 2})
        context = BalancerContext(clock, Random(1), ScriptedProbes(clock), {})
        self.service: Any = SharedKinds(self.counts).kind(kind)("s", BALANCERS[balancer](context), **options)
        self.members: list[Member] = []
        self._clock = clock

    def join(self, number: int) -> None:
        raw = RawBackend(self._clock, number, 1.0)
        self.counts.learn({raw.backend.id: 3 + number})
        self.members.append(raw.member())
        self.service.add(self.members[-1])
        self.service.up(raw.backend)

    def pick(self) -> int | None:
        picked = self.service.pick(AnyRequest(), NOBODY)
        return next((place for place, member in enumerate(self.members) if member.backend == picked), None)

    def start(self, place: int = 0) -> None:
        self.service.assign(self.members[place])

    def finish(self, place: int = 0) -> None:
        self.service.free(self.members[place], ANSWERED)


class Case:
    """Two workers of one gateway, with some backends."""

    def __init__(
        self, kind: type[Service] = Service, balancer: str = "round_robin", backends: int = 1, **options: Any
    ) -> None:
        self.counts = CountsMap(made(2, CELLS), 2, CELLS)
        clock = Clock()
        clock.advance(1000.0)
        self.one, self.other = (Worker(clock, self.counts, row, kind, balancer, **options) for row in range(2))
        for number in range(backends):
            self.one.join(number)
            self.other.join(number)


@pytest.mark.parametrize("kind", [Service, StickyService, LimitedService, LimitedStickyService])
def test_counts_return_to_zero_in_every_kind_of_service(kind: type[Service]) -> None:
    class NoSessions:
        def backend_of(self, request: object) -> None:
            return None

        def placed(self, request: object, backend_id: str) -> None:
            pass

        joined = left = lambda self, backend_id: None

    options: dict[str, Any] = {"sessions": NoSessions()} if issubclass(kind, StickyService) else {}
    if issubclass(kind, LimitedService):
        options["limit"] = FixedLimit(5)
    case = Case(kind, max_in_flight=5, **options)
    for _ in range(3):
        assert case.one.pick() == 0
        case.one.start()
    assert case.counts.total(3) == 3
    for _ in range(3):
        case.one.finish()
    assert [case.counts.total(cell) for cell in range(CELLS)] == [0] * CELLS


def test_a_backend_that_another_worker_has_filled_has_no_room_here() -> None:
    case = Case(max_in_flight=2)
    case.one.start()
    case.other.start()
    assert case.one.pick() is None
    assert case.one.service.saturated
    assert not case.one.service.has_room(case.one.members[0].backend)
    case.one.finish()
    assert case.one.pick() == 0


def test_what_another_worker_frees_is_noticed_and_who_waits_has_a_turn() -> None:
    case = Case(max_in_flight=1, queue_max=1)
    case.other.start()
    assert case.one.pick() is None
    waiting = Waiting()
    assert case.one.service.enqueue(waiting)
    case.other.finish()
    case.one.service.look()
    assert waiting.turns == 1
    assert case.one.pick() == 0


def test_one_that_is_full_elsewhere_is_passed_over_for_another() -> None:
    case = Case(backends=2, max_in_flight=1)
    case.other.start(0)
    assert {case.one.pick() for _ in range(4)} == {1}


def test_requests_at_one_that_has_left_are_given_back_where_they_were_counted() -> None:
    case = Case(max_in_flight=2)
    member = case.one.members[0]
    case.one.start()
    case.one.service.remove(member.backend)
    assert case.counts.total(3) == 1
    case.one.service.free(member, ANSWERED)
    assert case.counts.total(3) == 0


def test_one_without_a_cell_is_counted_here_alone() -> None:
    case = Case(max_in_flight=1)
    raw = RawBackend(Clock(), 4, 1.0)
    member = raw.member()
    case.one.service.add(member)
    case.one.service.up(raw.backend)
    case.one.service.assign(member)
    assert not case.one.service.has_room(raw.backend)
    case.one.service.look()
    case.one.service.free(member, ANSWERED)
    assert case.one.service.has_room(raw.backend)


def test_a_limit_on_a_service_is_one_for_all_workers() -> None:
    case = Case(LimitedService, limit=FixedLimit(2))
    case.other.start()
    case.one.start()
    assert case.one.pick() is None
    case.other.finish()
    assert case.one.pick() == 0


def test_the_limit_that_is_told_is_the_one_for_all_whatever_the_others_use_of_it() -> None:
    case = Case(LimitedService, limit=FixedLimit(5))
    case.other.start()
    told = service_samples({"s": case.one.service}, RequestTally("-"), {}, Exemplars(lambda: 0.0))
    assert next(told).limit == 5


@pytest.mark.parametrize("balancer", ["least_in_flight", "least_rif", "prequal", "least_in_flight_p2c", "peak_ewma"])
def test_backends_that_do_not_report_are_balanced_on_the_requests_of_all(balancer: str) -> None:
    case = Case(balancer=balancer, backends=2)
    for _ in range(5):
        case.other.start(0)
    case.one.service.look()
    assert [case.one.pick() for _ in range(3)] == [1, 1, 1]
    for _ in range(5):
        case.other.finish(0)
    for _ in range(5):
        case.other.start(1)
    case.one.service.look()
    assert [case.one.pick() for _ in range(3)] == [0, 0, 0]


def test_another_balancer_is_told_anew() -> None:
    case = Case(balancer="least_in_flight", backends=2)
    for _ in range(5):
        case.other.start(0)
    case.one.service.look()
    clock = Clock()
    balancer = BALANCERS["least_in_flight"](BalancerContext(clock, Random(1), ScriptedProbes(clock), {}))
    case.one.service.rebalance(balancer, [member.backend for member in case.one.members], case.one.service.reports)
    case.one.service.look()
    assert [case.one.pick() for _ in range(3)] == [1, 1, 1]
