"""A sticky service sends sessions to their backends, and everybody else where its balancer says."""

from random import Random

import pytest
from twisted.internet.task import Clock

from openprequal.balancing.least_in_flight import LeastInFlight
from openprequal.interfaces import BalancerContext
from openprequal.metrics.window import WindowAverage
from openprequal.routing.concurrency_limit import FixedLimit
from openprequal.routing.member import Member
from openprequal.routing.session_table import SessionTable
from openprequal.routing.sticky_service import LimitedStickyService, StickyService
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome, ReportWay

ANSWERED = Outcome(Ending.RESPONSE, 200, 0.1)
NOBODY: frozenset[str] = frozenset()


class Waiting:
    """A request in the queue; where it went, once it had its turn."""

    def __init__(self, case: "Case", client: str) -> None:
        self.request = AnyRequest(client=client)
        self.went: Backend | None = None
        self.turns = 0
        self._case = case

    def slot_free(self) -> None:
        self.turns += 1
        self.went = self._case.begin(self.request.client)
        assert self.went is not None


class Case:
    """A service with two members that have room for two requests each."""

    def __init__(self, limit: int | None = None) -> None:
        self.clock = Clock()
        balancer = LeastInFlight(BalancerContext(self.clock, Random(1), ScriptedProbes(self.clock), {}))
        sessions = SessionTable(None, self.clock.seconds, idle_s=600.0, most=100)
        self.service: StickyService
        if limit is None:
            self.service = StickyService("s", balancer, max_in_flight=2, queue_max=8, sessions=sessions)
        else:
            self.service = LimitedStickyService(
                "s", balancer, max_in_flight=2, queue_max=8, sessions=sessions, limit=FixedLimit(limit)
            )
        self.members = [self.join(number) for number in range(2)]
        self.one, self.other = (member.backend for member in self.members)

    def join(self, number: int) -> Member:
        raw = RawBackend(self.clock, number, 1.0)
        connections = Connections(raw.dial, self.clock, max_idle=1, idle_timeout_s=1.0)
        addresses = Addresses(None, raw.backend.host)  # type: ignore[arg-type]
        member = Member(raw.backend, connections, connections, addresses, WindowAverage(300.0))
        self.service.add(member)
        self.service.up(raw.backend)
        return member

    def picked(self, client: str, tried: frozenset[str] = NOBODY) -> Backend | None:
        picked = self.service.pick(AnyRequest(client=client), tried)
        assert picked is None or isinstance(picked, Backend)
        return picked

    def begin(self, client: str) -> Backend | None:
        """A request of *client* is sent where it is picked."""
        picked = self.picked(client)
        if picked is not None:
            self.service.assign(self.service.members[picked.id])
        return picked

    def end(self, backend: Backend) -> None:
        member = next(each for each in self.members if each.backend is backend)
        self.service.free(member, ANSWERED)

    def bind(self, client: str, backend: Backend) -> None:
        self.service.sessions.placed(AnyRequest(client=client), backend.id)  # type: ignore[union-attr]

    def wait(self, client: str) -> Waiting:
        """A request that found no room waits."""
        assert self.picked(client) is None
        waiting = Waiting(self, client)
        assert self.service.saturated
        assert self.service.enqueue(waiting)
        return waiting

    def drain(self, backend: Backend) -> None:
        """It says that it drains, and may not be picked any more."""
        member = self.service.members[backend.id]
        self.service.noted(member, LoadReport(0.0, None, LoadState.DRAINING), 0.0, ReportWay.IN_BAND)
        self.service.down(backend)


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_session_stays_however_loaded_its_backend_is(case: Case) -> None:
    case.bind("a", case.one)
    assert case.begin("a") == case.one
    assert case.picked("a") == case.one
    assert case.service.counts == {"kept": 2, "moved": 0, "new": 0}


def test_new_sessions_go_by_the_load_that_sessions_make_too(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    assert [case.begin("b"), case.picked("b")] == [case.other, case.other]
    assert case.service.counts == {"kept": 2, "moved": 0, "new": 1}


def test_one_whose_backend_is_down_moves_and_stays_where_it_went(case: Case) -> None:
    case.bind("a", case.one)
    case.service.down(case.one)
    assert case.picked("a") == case.other
    case.service.up(case.one)
    assert case.picked("a") == case.other
    assert case.service.counts["moved"] == 1


def test_one_whose_backend_has_gone_moves(case: Case) -> None:
    case.bind("a", case.one)
    case.service.remove(case.one)
    assert case.picked("a") == case.other


def test_a_retry_goes_elsewhere_and_the_session_stays_until_another_answers(case: Case) -> None:
    case.bind("a", case.one)
    assert case.picked("a", frozenset({case.one.id})) == case.other
    assert case.picked("a") == case.one


def test_a_backend_that_drains_keeps_its_sessions_and_gets_no_others(case: Case) -> None:
    case.bind("a", case.one)
    case.drain(case.one)
    assert case.picked("a") == case.one
    assert [case.begin("b"), case.begin("c")] == [case.other, case.other]
    case.service.remove(case.one)
    assert case.picked("a") is None


def test_until_its_checks_fail(case: Case) -> None:
    case.bind("a", case.one)
    case.drain(case.one)
    case.members[0].report = None
    assert case.picked("a") == case.other


def test_a_request_waits_for_its_own_backend_though_another_has_room(case: Case) -> None:
    case.bind("a", case.one)
    assert case.begin("a") == case.begin("a") == case.one
    waiting = case.wait("a")
    case.begin("b")
    case.end(case.other)
    assert waiting.turns == 0
    case.end(case.one)
    assert waiting.went == case.one


def test_whoever_can_go_elsewhere_does_not_wait_behind_one_who_cannot(case: Case) -> None:
    for client, backend in (("a", case.one), ("b", case.other)):
        case.bind(client, backend)
        case.begin(client)
        case.begin(client)
    first, second = case.wait("a"), case.wait("new")
    case.end(case.other)
    assert (first.turns, second.went) == (0, case.other)
    case.end(case.one)
    assert first.went == case.one


def test_those_who_wait_for_the_same_are_served_in_order(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = [case.wait("a") for _ in range(3)]
    case.end(case.one)
    assert [each.turns for each in waiting] == [1, 0, 0]


def test_who_waits_for_one_that_goes_down_goes_elsewhere(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = case.wait("a")
    case.service.down(case.one)
    assert waiting.went == case.other


def test_who_waits_for_one_that_leaves_goes_elsewhere(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = case.wait("a")
    case.service.remove(case.one)
    assert waiting.went == case.other


def test_one_that_drains_has_no_more_room_than_before(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    case.drain(case.one)
    waiting = case.wait("a")
    case.end(case.one)
    assert waiting.went == case.one


def test_who_gives_up_waiting_is_not_called(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = case.wait("a")
    case.service.dequeue(waiting)
    case.end(case.one)
    assert (waiting.turns, case.service.queued) == (0, 0)


def test_a_limit_on_the_service_counts_for_sessions_too() -> None:
    case = Case(limit=1)
    case.bind("a", case.one)
    assert case.begin("a") == case.one
    waiting = case.wait("a")
    case.end(case.one)
    assert waiting.went == case.one
