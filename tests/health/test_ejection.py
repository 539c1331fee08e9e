"""Whose requests fail while its peers' do not gets none for a while; where all fail alike, nobody is blamed."""

from random import Random

import pytest
from monitored import monitored
from twisted.internet.task import Clock

from openprequal.health.ejection import EjectionRules
from openprequal.health.monitor import CheckRules, HealthRules
from openprequal.health.standing import Condition, Standing
from openprequal.routing.member import Member
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome, ReportWay

OK = Outcome(Ending.RESPONSE, 200, 0.01)
BAD = Outcome(Ending.RESPONSE, 503, 0.01)
ERROR = Outcome(Ending.RESPONSE, 500, 0.01)
BROKEN = Outcome(Ending.BROKEN, None, None)
REFUSED = Outcome(Ending.CONNECT_FAILED, None, None)
SLOW = Outcome(Ending.TIMEOUT, None, None)
CANCELLED = Outcome(Ending.CANCELLED, None, None)
RULES = EjectionRules(failures=5, error_rate=0.5, first_s=10.0, most_s=60.0)


class Case:
    """A fleet that is up, without a network: a request is its outcome."""

    def __init__(self, backends: int = 4) -> None:
        self.clock = Clock()
        rules = HealthRules("/healthz", CheckRules(interval_s=1000.0), RULES)
        self.service, self.monitor = monitored(self.clock, self._member, rules)
        self.ejections = self.monitor.ejections["default"]
        self._raw: list[RawBackend] = []
        for _ in range(backends):
            self.join()
        # Evidence of failures ages; begin where none is.
        self.wait(20)

    def _member(self, backend: Backend) -> Member:
        return self._raw[-1].member(backend)

    def join(self) -> None:
        self._raw.append(RawBackend(self.clock, len(self._raw), 1.0))
        self.monitor.joined(self._raw[-1].backend)
        self.clock.advance(0)
        self._raw[-1].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    @property
    def members(self) -> list[Member]:
        return list(self.service.members.values())

    def request(self, number: int, outcome: Outcome, times: int = 1) -> None:
        for _ in range(times):
            member = self.members[number]
            self.service.assign(member)
            if outcome.status is not None and outcome.status < 500:
                member.answered_at = self.clock.seconds()
            self.service.free(member, outcome)
            self.clock.advance(0.001)

    def configure(self, ejection: EjectionRules | None) -> None:
        """Judge by other rules from now on."""
        rules = HealthRules("/healthz", CheckRules(interval_s=1000.0), ejection)
        self.monitor.configure(self._member, {"default": rules})

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.monitor.tick()

    def standing(self, number: int) -> Standing:
        return self.monitor.standings[self.members[number].backend.id]

    @property
    def used(self) -> set[int]:
        """Which of the backends are picked."""
        picked = {self.service.pick(AnyRequest(), frozenset()) for _ in range(20)}
        return {number for number, member in enumerate(self.members) if member.backend in picked}


@pytest.fixture
def case() -> Case:
    return Case()


@pytest.mark.parametrize("outcome", [BAD, BROKEN, REFUSED, SLOW])
def test_failures_in_a_row_eject(case: Case, outcome: Outcome) -> None:
    case.request(0, outcome, RULES.failures - 1)
    assert case.used == {0, 1, 2, 3}
    case.request(0, outcome)
    assert case.used == {1, 2, 3}
    assert case.standing(0).condition is Condition.EJECTED
    assert case.standing(0).reason.startswith("ejected: 5 failures in a row, the last: ")
    assert sum(case.ejections.counts.values()) == 1


@pytest.mark.parametrize("outcome", [OK, ERROR, CANCELLED])
def test_what_is_no_failure_by_itself_does_not_eject(case: Case, outcome: Outcome) -> None:
    case.request(0, outcome, 50)
    assert case.used == {0, 1, 2, 3}


def test_a_success_between_begins_the_row_anew(case: Case) -> None:
    for _ in range(10):
        case.request(0, BAD, RULES.failures - 1)
        case.request(0, OK)
    assert case.used == {0, 1, 2, 3}


def test_a_request_that_fails_on_every_backend_ejects_none(case: Case) -> None:
    for _ in range(100):
        for number in range(4):
            case.request(number, BROKEN)
        case.wait(0.1)
    assert case.used == {0, 1, 2, 3}
    assert not sum(case.ejections.counts.values())


def test_rows_that_a_share_of_bad_requests_makes_by_chance_eject_none(case: Case) -> None:
    rng = Random(7)
    for _ in range(20_000):
        case.request(rng.randrange(4), BROKEN if rng.random() < 0.3 else OK)
        if not rng.randrange(100):
            case.wait(0.1)
    assert not sum(case.ejections.counts.values())


def test_a_longer_row_ejects_although_a_share_of_all_requests_fails(case: Case) -> None:
    rng = Random(7)
    for _ in range(2000):
        case.request(rng.randrange(1, 4), BROKEN if rng.random() < 0.3 else OK)
    case.request(0, BROKEN, 25)
    assert case.used == {1, 2, 3}


def test_a_request_that_is_500_on_every_backend_ejects_none_among_others(case: Case) -> None:
    for _ in range(100):
        for number in range(4):
            case.request(number, OK)
            case.request(number, ERROR, 3)
        case.wait(0.1)
    assert case.used == {0, 1, 2, 3}


def test_old_failures_of_the_peers_are_no_excuse(case: Case) -> None:
    for number in (1, 2, 3):
        case.request(number, BROKEN, 4)
    case.wait(15)
    case.request(0, BROKEN, 5)
    assert case.used == {1, 2, 3}


@pytest.mark.parametrize("outcome", [BAD, ERROR])
def test_a_high_share_of_failures_beside_the_peers_ejects(case: Case, outcome: Outcome) -> None:
    for _ in range(20):
        case.request(0, OK)
        case.request(0, outcome, 3)
        for number in (1, 2, 3):
            case.request(number, OK, 4)
        case.wait(0.1)
    assert case.used == {1, 2, 3}
    assert case.ejections.counts["error_rate"] == 1
    assert "of its requests fail, 0% of its peers'" in case.standing(0).reason


def test_a_low_share_of_failures_does_not_eject(case: Case) -> None:
    for _ in range(100):
        case.request(0, OK, 3)
        case.request(0, BAD)
        case.request(1, OK, 4)
        case.wait(0.1)
    assert case.used == {0, 1, 2, 3}


def test_without_peers_in_use_a_share_says_nothing(case: Case) -> None:
    for _ in range(100):
        case.request(0, ERROR)
        case.wait(0.1)
    assert case.used == {0, 1, 2, 3}


def test_it_returns_after_its_time_and_is_out_twice_as_long_if_it_fails_again(case: Case) -> None:
    for length in (10, 20, 40, 60, 60):
        case.request(0, BAD, 5)
        case.wait(length - 0.5)
        assert case.used == {1, 2, 3}
        case.wait(0.7)
        assert case.used == {0, 1, 2, 3}
        assert case.standing(0).reason == "serving"
    assert case.standing(0).ejections == 5


def test_whoever_was_well_for_as_long_as_it_was_out_begins_with_the_first_length_again(case: Case) -> None:
    case.request(0, BAD, 5)
    case.wait(22)
    case.request(0, BAD, 5)
    case.wait(10.2)
    assert case.used == {0, 1, 2, 3}


@pytest.mark.parametrize("outcome", [REFUSED, BROKEN])
def test_one_that_lost_its_connections_returns_soon(case: Case, outcome: Outcome) -> None:
    case.request(0, outcome, 5)
    assert case.ejections.counts["connections"] == 1
    case.wait(1.2)
    assert case.used == {0, 1, 2, 3}


def test_when_more_than_half_would_be_ejected_all_are_used(case: Case) -> None:
    case.request(2, OK)
    case.request(3, OK)
    case.request(0, BAD, 5)
    case.request(1, BAD, 5)
    assert case.used == {2, 3}
    assert not case.ejections.panic
    case.request(2, REFUSED, 5)
    assert case.used == {0, 1, 2, 3}
    assert case.ejections.panic
    assert case.standing(0).condition is Condition.PANIC
    assert "more than half" in case.standing(0).reason
    case.wait(1.2)  # the third is back, so that half is enough again
    assert case.used == {2, 3}
    assert not case.ejections.panic


def test_panic_comes_too_when_healthy_ones_go_down(case: Case) -> None:
    case.request(2, OK)
    case.request(3, OK)
    case.request(0, BAD, 5)
    case.request(1, BAD, 5)
    case.monitor.told_state(case.members[3].backend, LoadState.DRAINING)
    case.wait(1.1)
    assert case.used == {0, 1, 2}


def test_panic_comes_too_when_healthy_ones_leave(case: Case) -> None:
    case.request(2, OK)
    case.request(3, OK)
    case.request(0, BAD, 5)
    case.request(1, BAD, 5)
    case.monitor.left(case.members[3].backend, "unregistered")
    case.wait(1.1)
    assert case.used == {0, 1, 2}


def test_the_only_backend_is_never_taken_out() -> None:
    case = Case(backends=1)
    case.request(0, REFUSED, 50)
    assert case.used == {0}


def test_a_heartbeat_does_not_heal(case: Case) -> None:
    case.request(0, BAD, 5)
    member = case.members[0]
    case.service.reported(member, LoadReport(0.0, None), case.clock.seconds(), ReportWay.HEARTBEAT)
    case.wait(1)
    assert case.used == {1, 2, 3}


def test_registering_again_does_not_heal(case: Case) -> None:
    case.request(0, BAD, 5)
    before = case.members[0].backend
    case.monitor.changed(before, Backend(url=before.url, weight=2.0))
    case.wait(1)
    assert case.used == {1, 2, 3}


def test_whoever_leaves_and_joins_begins_anew(case: Case) -> None:
    case.request(0, BAD, 5)
    backend = case.members[0].backend
    case.monitor.left(backend, "unregistered")
    assert not case.ejections.panic
    assert backend.id not in case.monitor.standings


def test_requests_that_end_after_their_backend_has_left_count_for_nobody(case: Case) -> None:
    member = case.members[0]
    for _ in range(10):
        case.service.assign(member)
    case.monitor.left(member.backend, "unregistered")
    for _ in range(10):
        case.service.free(member, BAD)
    assert not sum(case.ejections.counts.values())


def test_other_rules_count_for_the_failures_that_follow(case: Case) -> None:
    case.request(0, BAD, 3)
    case.configure(EjectionRules(failures=4))
    assert case.used == {0, 1, 2, 3}
    case.request(0, BAD)
    assert case.used == {1, 2, 3}


def test_where_nobody_is_ejected_any_more_all_return(case: Case) -> None:
    case.request(0, BAD, 5)
    assert case.used == {1, 2, 3}
    case.configure(None)
    assert case.used == {0, 1, 2, 3}
    assert case.standing(0).condition is Condition.UP
    case.request(1, BAD, 50)
    assert case.used == {0, 1, 2, 3}
    assert case.monitor.ejections == {}


def test_where_nobody_was_ejected_it_may_begin(case: Case) -> None:
    case.configure(None)
    case.configure(RULES)
    case.request(2, BAD, 5)
    assert case.used == {0, 1, 3}
