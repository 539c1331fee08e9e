"""The parent checks, and its workers go by what it says; what a worker's traffic tells goes to the parent."""

from random import Random

import pytest
from twisted.internet.task import Clock

from openprequal.balancing.round_robin import RoundRobin
from openprequal.health.monitor import CheckRules, HealthRules
from openprequal.health.standing import Condition
from openprequal.interfaces import BalancerContext
from openprequal.routing.service import Service
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Ending, LoadState, Outcome
from openprequal.workers.judging_health import JudgingHealth
from openprequal.workers.told_health import ToldHealth

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BAD = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
DRAINING = b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=0, state=draining\r\nContent-Length: 0\r\n\r\n"
REFUSED = Outcome(Ending.CONNECT_FAILED, None, None)


class Side:
    """A parent's or a worker's health, with one backend."""

    def __init__(self, clock: Clock, make: type[JudgingHealth] | type[ToldHealth]) -> None:
        self.raw = RawBackend(clock, 0, 1.0)
        self.service = Service("default", RoundRobin(BalancerContext(clock, Random(1), ScriptedProbes(clock), {})))
        rules = {"default": HealthRules("/healthz", CheckRules(interval_s=10.0))}
        self.health = make(clock, Random(1), {"default": self.service}, self.raw.member, rules=rules)
        self.service.failed = self.health.failed
        self.service.state_told = self.health.told_state

    @property
    def up(self) -> bool:
        return self.service.pick(AnyRequest(), frozenset()) is not None


class Case:
    """A parent with one worker."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.parent, self.worker = Side(self.clock, JudgingHealth), Side(self.clock, ToldHealth)
        self.judging: JudgingHealth = self.parent.health  # type: ignore[assignment]
        self.told: ToldHealth = self.worker.health  # type: ignore[assignment]
        self.backend = self.parent.raw.backend
        self.doubts: list[str] = []
        self.judging.judged = self.told.judged

    def join(self) -> None:
        self.told.joined(self.backend)
        self.judging.joined(self.backend)
        self.wait(0)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10) + 1):
            self.clock.advance(0.1 if seconds else 0)
            self.judging.tick()
            self.told.tick()
            self.clock.advance(0)

    @property
    def checks(self) -> int:
        return self.parent.raw.received.count(b"GET /healthz")


@pytest.fixture
def case() -> Case:
    case = Case()
    case.join()
    return case


def test_only_the_parent_checks(case: Case) -> None:
    case.wait(30)
    assert case.checks >= 1
    assert case.worker.raw.received == b""


def test_a_backend_is_picked_once_the_parent_says_that_it_serves(case: Case) -> None:
    assert not case.worker.up
    case.parent.raw.answer(OK)
    assert case.worker.up
    assert case.told.standings[case.backend.id].reason == "serving"


def test_one_whose_checks_fail_is_picked_no_more(case: Case) -> None:
    case.parent.raw.answer(OK)
    for _ in range(3):
        case.wait(12)
        case.parent.raw.answer(BAD)
    assert not case.worker.up
    assert case.told.standings[case.backend.id].condition is Condition.DOWN


def test_a_judgement_may_come_before_the_backend() -> None:
    case = Case()
    case.judging.joined(case.backend)
    case.wait(0)
    case.parent.raw.answer(OK)
    case.told.joined(case.backend)
    assert case.worker.up


def test_a_worker_that_cannot_connect_has_it_checked_at_once_and_not_again_and_again(case: Case) -> None:
    case.parent.raw.answer(OK)
    case.told.doubted = case.doubts.append
    member = case.worker.service.members[case.backend.id]
    for _ in range(4):
        case.worker.service.assign(member)
        case.worker.service.free(member, REFUSED)
    assert case.doubts == [case.backend.id]
    before = case.checks
    case.judging.doubted(case.backend.id)
    case.judging.doubted(case.backend.id)
    case.clock.advance(0)
    assert case.checks == before + 1


def test_a_doubt_about_one_that_has_left_is_nothing(case: Case) -> None:
    case.judging.left(case.backend, "test")
    case.judging.doubted(case.backend.id)
    case.judging.told_by_worker(case.backend.id, "draining")
    case.told.left(case.backend, "test")
    case.told.judged(
        case.backend.id, {"checked": True, "up": True, "verdict": "serving", "state": "ready", "orders": [None, None]}
    )


def test_what_a_worker_hears_of_a_state_counts_for_all_until_a_check_says_otherwise(case: Case) -> None:
    case.parent.raw.answer(OK)
    case.told.heard_state = case.judging.told_by_worker
    case.told.told_state(case.backend, LoadState.DRAINING)
    assert not case.worker.up
    assert case.judging.standings[case.backend.id].condition is Condition.DRAINING
    case.judging.told_state(case.backend, LoadState.READY)
    assert case.worker.up


def test_what_an_operator_wants_counts_for_the_worker_and_is_no_news_of_its_own(case: Case) -> None:
    turned: list[object] = []
    case.parent.raw.answer(OK)
    case.told.turned = lambda standing, before: turned.append(standing.condition)
    standing = case.judging.standings[case.backend.id]
    case.judging.by_hand.eject(standing, "somebody")
    assert not case.worker.up
    assert case.told.standings[case.backend.id].reason == "ejected by somebody"
    case.judging.by_hand.restore(standing)
    assert case.worker.up
    assert turned == []


def test_an_operator_restores_what_a_worker_has_ejected(case: Case) -> None:
    restored: list[str] = []
    case.judging.restored = restored.append
    assert case.judging.restore(case.judging.standings[case.backend.id])
    assert restored == [case.backend.id]


def test_a_check_that_is_answered_by_one_that_drains_counts_for_the_worker(case: Case) -> None:
    case.parent.raw.answer(OK)
    case.wait(12)
    case.parent.raw.answer(DRAINING)
    assert not case.worker.up
    assert case.told.standings[case.backend.id].condition is Condition.DRAINING
