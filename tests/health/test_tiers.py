"""Backups and other zones get requests only where too few of those before them are healthy."""

import pytest
from attrs import evolve
from monitored import monitored
from twisted.internet.task import Clock

from openprequal.health.ejection import EjectionRules
from openprequal.health.monitor import CheckRules, HealthRules
from openprequal.health.standing import Condition, Standing
from openprequal.routing.member import Member
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.values import Backend, Ending, LoadState, Outcome


class Case:
    """A monitor in zone ``here``, and backends by name, of which each may be healthy or not."""

    def __init__(self) -> None:
        self.clock = Clock()
        rules = HealthRules("/healthz", CheckRules(interval_s=1.0, fall=1), EjectionRules(), 0.5)
        self.service, self.monitor = monitored(self.clock, self._member, rules, zone="here")
        self.raw: dict[str, RawBackend] = {}
        self.backends: dict[str, Backend] = {}

    def _member(self, backend: Backend) -> Member:
        return next(raw for raw in self.raw.values() if raw.backend.url == backend.url).member(backend)

    def join(self, name: str, priority: int = 0, zone: str | None = None) -> None:
        self.raw[name] = RawBackend(self.clock, len(self.raw), 1.0)
        self.backends[name] = Backend(self.raw[name].backend.url, priority=priority, zone=zone)
        self.monitor.joined(self.backends[name])
        self.clock.advance(0)
        self.check(name, 200)

    def check(self, name: str, status: int) -> None:
        """Its next check is answered so."""
        for _ in range(30):
            if self.raw[name].received.count(b"GET ") > getattr(self.raw[name], "answers", 0):
                break
            self.clock.advance(0.1)
            self.monitor.tick()
            self.clock.advance(0)
        self.raw[name].answers = self.raw[name].received.count(b"GET ")  # type: ignore[attr-defined]
        self.raw[name].answer(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)

    def standing(self, name: str) -> Standing:
        return self.monitor.standings[self.backends[name].id]

    @property
    def used(self) -> set[str]:
        picked = {self.service.pick(AnyRequest(), frozenset()) for _ in range(20)}
        return {name for name, backend in self.backends.items() if backend in picked}


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_backup_is_used_only_while_less_than_half_of_the_first_are_healthy(case: Case) -> None:
    for name in ("a", "b"):
        case.join(name)
    case.join("backup", priority=1)
    assert case.used == {"a", "b"}
    assert case.standing("backup").condition is Condition.STANDBY
    case.check("a", 500)
    assert case.used == {"b"}
    case.check("b", 500)
    assert case.used == {"backup"}
    case.check("a", 200)
    assert case.used == {"a"}
    assert case.standing("backup").reason.startswith("standby: ")


def test_the_order_of_joining_does_not_matter(case: Case) -> None:
    case.join("backup", priority=1)
    assert case.used == {"backup"}
    case.join("a")
    assert case.used == {"a"}


def test_the_own_zone_comes_first_and_others_help_where_too_few_are_healthy(case: Case) -> None:
    for name in ("a", "b", "c"):
        case.join(name, zone="here")
    case.join("far", zone="there")
    assert case.used == {"a", "b", "c"}
    case.check("a", 500)
    assert case.used == {"b", "c"}
    case.check("b", 500)
    assert case.used == {"c", "far"}


def test_a_backend_without_a_zone_is_near(case: Case) -> None:
    case.join("a", zone="here")
    case.join("b")
    assert case.used == {"a", "b"}


def test_priority_goes_before_zone(case: Case) -> None:
    case.join("far", priority=0, zone="there")
    case.join("near", priority=1, zone="here")
    assert case.used == {"far"}


def test_when_the_first_leave_the_backups_take_over(case: Case) -> None:
    case.join("a")
    case.join("backup", priority=1)
    case.monitor.left(case.backends["a"], "unregistered")
    assert case.used == {"backup"}


def test_when_the_first_drain_the_backups_take_over(case: Case) -> None:
    case.join("a")
    case.join("backup", priority=1)
    case.monitor.told_state(case.backends["a"], LoadState.DRAINING)
    assert case.used == {"backup"}


def test_when_the_first_drain_by_the_registrys_word_the_backups_take_over(case: Case) -> None:
    case.join("a")
    case.join("backup", priority=1)
    case.monitor.changed(case.backends["a"], evolve(case.backends["a"], draining=True))
    assert case.used == {"backup"}


def test_when_the_first_are_ejected_the_backups_take_over(case: Case) -> None:
    case.join("a")
    case.join("backup", priority=1)
    member = case.service.members[case.backends["a"].id]
    for _ in range(5):
        case.service.assign(member)
        case.service.free(member, Outcome(Ending.RESPONSE, 503, 0.1))
    assert case.used == {"backup"}
    assert case.standing("a").condition is Condition.EJECTED


def test_registering_again_with_another_priority_counts_at_once(case: Case) -> None:
    case.join("a")
    case.join("b", priority=1)
    before = case.backends["a"]
    case.backends["a"] = Backend(before.url, priority=2)
    case.monitor.changed(before, case.backends["a"])
    assert case.used == {"b"}


def test_another_share_counts_at_once(case: Case) -> None:
    for name in ("a", "b", "c"):
        case.join(name)
    case.join("backup", priority=1)
    case.check("a", 500)
    assert case.used == {"b", "c"}
    rules = HealthRules("/healthz", CheckRules(interval_s=1.0, fall=1), EjectionRules(), enough=1.0)
    case.monitor.configure(case._member, {"default": rules})
    assert case.used == {"b", "c", "backup"}
