"""A service's members, its counts, who has room, and what it tells the rest."""

from random import Random

import pytest
from twisted.internet.task import Clock

from openprequal.balancing.round_robin import RoundRobin
from openprequal.interfaces import BalancerContext
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome, ReportFormat, ReportWay

ANSWERED = Outcome(Ending.RESPONSE, 200, 0.1)
NOBODY: frozenset[str] = frozenset()


class Waiting:
    """Something in the queue that takes its turn, or waits again."""

    def __init__(self, service: Service) -> None:
        self.turns = 0
        self._service = service

    def slot_free(self) -> None:
        self.turns += 1
        if self._service.pick(AnyRequest(), NOBODY) is None:
            self._service.enqueue(self)


class Case:
    """A service with one member that is up."""

    def __init__(self) -> None:
        self.clock = Clock()
        balancer = RoundRobin(BalancerContext(self.clock, Random(1), ScriptedProbes(self.clock), {}))
        self.service = Service("s", balancer, max_in_flight=2, queue_max=2)
        self.member = self.join()

    def join(self) -> Member:
        raw = RawBackend(self.clock, 0, 1.0)
        member = raw.member()
        self.service.add(member)
        self.service.up(raw.backend)
        return member

    def picked(self) -> object:
        return self.service.pick(AnyRequest(), NOBODY)


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_member_that_is_up_is_picked(case: Case) -> None:
    assert case.picked() == case.member.backend


def test_a_member_at_its_limit_is_not_picked_until_one_of_its_requests_ends(case: Case) -> None:
    case.service.assign(case.member)
    assert case.picked() is not None
    case.service.assign(case.member)
    assert case.picked() is None
    assert case.service.saturated
    case.service.free(case.member, ANSWERED)
    assert case.picked() is not None
    assert not case.service.saturated


def test_a_member_that_is_down_is_nobody_to_wait_for(case: Case) -> None:
    case.service.assign(case.member)
    case.service.assign(case.member)
    case.service.down(case.member.backend)
    assert not case.service.saturated
    case.service.up(case.member.backend)
    assert case.service.saturated
    assert case.picked() is None


def test_what_was_tried_is_not_picked_again(case: Case) -> None:
    assert case.service.pick(AnyRequest(), frozenset({case.member.backend.id})) is None


def test_every_assignment_is_counted_and_every_end_takes_one_back(case: Case) -> None:
    case.service.assign(case.member)
    case.service.assign(case.member)
    case.service.free(case.member, ANSWERED)
    assert (case.member.in_flight, case.member.picks) == (1, 2)


def test_requests_of_a_backend_that_left_do_not_make_room_at_the_one_that_came_back(case: Case) -> None:
    old = case.member
    case.service.assign(old)
    case.service.assign(old)
    case.service.remove(old.backend)
    new = case.join()
    case.service.assign(new)
    case.service.assign(new)
    assert case.picked() is None
    case.service.free(old, ANSWERED)
    assert case.picked() is None
    case.service.free(new, ANSWERED)
    assert case.picked() is not None
    assert (old.in_flight, new.in_flight) == (1, 1)


def test_a_slot_that_frees_serves_one_who_waits(case: Case) -> None:
    case.service.assign(case.member)
    case.service.assign(case.member)
    first, second = Waiting(case.service), Waiting(case.service)
    assert case.service.enqueue(first)
    assert case.service.enqueue(second)
    assert not case.service.enqueue(Waiting(case.service))
    case.service.free(case.member, ANSWERED)
    assert (first.turns, second.turns, case.service.queued) == (1, 0, 1)


def test_who_finds_no_slot_after_all_waits_again_without_end(case: Case) -> None:
    case.service.assign(case.member)
    case.service.assign(case.member)
    waiting = [Waiting(case.service), Waiting(case.service)]
    for one in waiting:
        case.service.enqueue(one)
    case.service.down(case.member.backend)
    other = Backend(url="http://b.test:1")
    case.service.balancer.up(other)
    case.service.balancer.down(other)
    case.service.free(case.member, ANSWERED)
    assert sum(one.turns for one in waiting) == 1
    assert case.service.queued == 2


def test_who_waits_no_longer_is_not_served(case: Case) -> None:
    case.service.assign(case.member)
    case.service.assign(case.member)
    waiting = Waiting(case.service)
    case.service.enqueue(waiting)
    case.service.dequeue(waiting)
    case.service.dequeue(waiting)
    case.service.free(case.member, ANSWERED)
    assert waiting.turns == 0


def test_a_backend_that_leaves_is_told_of_once(case: Case) -> None:
    left: list[Backend] = []
    case.service.departed = left.append
    case.service.remove(case.member.backend)
    case.service.remove(case.member.backend)
    assert left == [case.member.backend]
    assert case.picked() is None


def test_every_end_but_a_response_below_500_is_told(case: Case) -> None:
    told: list[Outcome] = []
    case.service.failed = lambda member, outcome: told.append(outcome)
    failures = [Outcome(Ending.CONNECT_FAILED, None, None), Outcome(Ending.RESPONSE, 500, 0.1)]
    for outcome in (ANSWERED, Outcome(Ending.RESPONSE, 404, 0.1), *failures):
        case.service.assign(case.member)
        case.service.free(case.member, outcome)
    assert told == failures


def test_a_state_is_told_while_it_is_not_ready_and_when_it_is_again(case: Case) -> None:
    told: list[LoadState] = []
    case.service.state_told = lambda backend, state: told.append(state)
    for state in (LoadState.READY, LoadState.DRAINING, LoadState.READY, LoadState.READY):
        case.service.reported(case.member, LoadReport(1.0, None, state), 5.0)
    assert told == [LoadState.DRAINING, LoadState.READY]
    assert case.member.reported_at == 5.0


def test_a_report_that_cannot_tell_the_state_takes_no_draining_back(case: Case) -> None:
    told: list[LoadState] = []
    case.service.state_told = lambda backend, state: told.append(state)
    case.service.reported(case.member, LoadReport(0, None, LoadState.DRAINING), 0.0, ReportWay.HEARTBEAT)
    case.service.reported(case.member, LoadReport(3, None, format=ReportFormat.PROMETHEUS), 1.0, ReportWay.PROBE)
    assert set(told) == {LoadState.DRAINING}
    assert (case.member.report.rif, case.member.report.state) == (3, LoadState.DRAINING)
    case.service.reported(case.member, LoadReport(0, None), 2.0, ReportWay.HEARTBEAT)
    assert told[-1] is LoadState.READY


class Counting(RoundRobin):
    """Knows how many requests are under way, by what it was told."""

    under_way = 0

    def started(self, backend: Backend) -> None:
        self.under_way += 1

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        self.under_way -= 1


def test_a_new_balancer_hears_of_requests_under_way_and_of_the_end_of_each(case: Case) -> None:
    gone = case.member
    case.service.assign(gone)
    case.service.remove(gone.backend)
    here = case.join()
    case.service.assign(here)
    balancer = Counting(BalancerContext(case.clock, Random(1), ScriptedProbes(case.clock), {}))
    case.service.rebalance(balancer, [here.backend], case.service.reports)
    assert balancer.under_way == 2
    case.service.free(gone, ANSWERED)
    case.service.free(here, ANSWERED)
    assert balancer.under_way == 0
    assert case.picked() == here.backend
