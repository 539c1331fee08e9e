"""Gateways' registries on one Redis, in virtual time: what one learns all know, and a Redis that forgets is healed.

The script that runs is the real one (``redis_in_memory``); against a real server: ``tests/integration``.
"""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis_in_memory import ClockWithRedis, RedisInMemory
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, globalLogPublisher

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IRegistrySource, RegistryContext
from openprequal.registry.redis.registry import RedisRegistry
from openprequal.registry.redis.script import PAGE
from openprequal.testing.registry_contract import MembershipLog
from openprequal.values import Backend

BY_HAND = Backend(url="http://hand.test:1")
OTHER = Backend(url="http://other.test:1")
LEASED = Backend(url="http://leased.test:1", heartbeat_seconds=5.0)
DEAD = Backend(url="http://dead.test:1", heartbeat_seconds=5.0)


class Gateway:
    """A registry with a way to the server of its own."""

    def __init__(self, server: RedisInMemory, max_backends: int = 1000, url: str = "redis://127.0.0.1") -> None:
        self.clock = ClockWithRedis(server)
        self.registry = RedisRegistry(RegistryContext(self.clock, max_backends, None, {"url": url}))
        self.told = MembershipLog()
        self.registry.subscribe(self.told)
        self.registry.start()

    @property
    def ids(self) -> set[str]:
        return {backend.id for backend in self.registry.backends()}


class Fleet:
    """Gateways whose time passes together; a backend in ``beating`` sends its heartbeat to the first of them."""

    def __init__(self, server: RedisInMemory) -> None:
        self.server = server
        self.gateways: list[Gateway] = []
        self.beating: list[Backend] = []

    def gateway(self, **options: object) -> Gateway:
        """One more."""
        made = Gateway(self.server, **options)  # type: ignore[arg-type]
        if not self.gateways:
            self.server.run_on(made.clock)
        self.gateways.append(made)
        self.pass_time(0.5)
        return made

    def pass_time(self, seconds: float) -> None:
        for step in range(round(seconds * 20)):
            if step % 100 == 50:
                for backend in self.beating:
                    self.gateways[0].registry.register(backend).addErrback(lambda failure: None)
            for gateway in self.gateways:
                gateway.clock.advance(0.05)
                for _ in range(6):
                    gateway.clock.advance(0)

    def done(self, pending: "Deferred[object]") -> object:
        """What it fires with, within half a second."""
        results: list[object] = []
        pending.addBoth(results.append)
        self.pass_time(0.5)
        assert results, "it has not fired"
        return results[0]

    def refused(self, pending: "Deferred[object]") -> bool:
        failure = self.done(pending)
        error = getattr(failure, "value", None)
        return isinstance(error, RegistrationRefused) and error.status == 503


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> RedisInMemory:
    return RedisInMemory(monkeypatch)


@pytest.fixture
def fleet(server: RedisInMemory) -> Fleet:
    return Fleet(server)


@pytest.fixture
def pair(fleet: Fleet) -> tuple[Gateway, Gateway]:
    return fleet.gateway(), fleet.gateway()


@pytest.fixture
def said() -> Iterator[Callable[[], list[str]]]:
    events: list[str] = []

    def observe(event: dict) -> None:  # type: ignore[type-arg]
        if event["log_level"] >= LogLevel.info and "redis" in event.get("log_namespace", ""):
            events.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(observe)
    yield lambda: events
    globalLogPublisher.removeObserver(observe)


def test_who_registers_at_one_is_known_to_the_other(fleet: Fleet, pair: tuple[Gateway, Gateway]) -> None:
    fleet.done(pair[0].registry.register(BY_HAND))
    assert pair[1].told.heard == [("joined", BY_HAND.id)]


def test_other_particulars_are_told_to_the_other(fleet: Fleet, pair: tuple[Gateway, Gateway]) -> None:
    heavier = Backend(url=BY_HAND.url, weight=3.0)
    fleet.done(pair[0].registry.register(BY_HAND))
    fleet.done(pair[0].registry.register(heavier))
    assert pair[1].told.changes == [(BY_HAND, heavier)]


def test_who_is_unregistered_at_one_leaves_the_other(fleet: Fleet, pair: tuple[Gateway, Gateway]) -> None:
    fleet.done(pair[0].registry.register(BY_HAND))
    assert fleet.done(pair[1].registry.unregister(BY_HAND.id)) is True
    assert pair[0].told.heard[-1] == ("left", BY_HAND.id)


def test_heartbeats_to_one_keep_it_at_all(fleet: Fleet, pair: tuple[Gateway, Gateway]) -> None:
    fleet.beating = [LEASED]
    fleet.pass_time(40)
    assert [event for event, _ in pair[1].told.heard] == ["joined"]


def test_the_limit_counts_what_all_have(fleet: Fleet) -> None:
    first, second = fleet.gateway(max_backends=1), fleet.gateway(max_backends=1)
    fleet.done(first.registry.register(BY_HAND))
    assert fleet.refused(second.registry.register(OTHER))
    assert second.ids == {BY_HAND.id}


def test_a_newcomer_reads_more_than_a_page_in_the_order_they_joined(fleet: Fleet) -> None:
    first = fleet.gateway()
    many = [Backend(url=f"http://b{number}.test:1") for number in range(2 * PAGE + 7)]
    for backend in many:
        first.registry.register(backend)
    fleet.pass_time(0.5)
    assert list(fleet.gateway().registry.backends()) == many


def test_heartbeats_are_passed_on_together(fleet: Fleet, server: RedisInMemory) -> None:
    gateway = fleet.gateway()
    many = [Backend(url=f"http://b{number}.test:1", heartbeat_seconds=5.0) for number in range(100)]
    for backend in many:
        gateway.registry.register(backend)
    fleet.pass_time(0.5)
    server.commands.clear()
    for backend in many:
        gateway.registry.register(backend)
    fleet.pass_time(1)
    assert len(server.commands) <= 6


def test_while_redis_is_away_the_last_known_stay_and_registrations_are_refused(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory
) -> None:
    fleet.beating = [LEASED]
    fleet.done(pair[0].registry.register(BY_HAND))
    fleet.pass_time(10)
    server.stop()
    assert fleet.refused(pair[0].registry.register(OTHER))
    assert fleet.refused(pair[0].registry.register(LEASED))
    assert fleet.refused(pair[0].registry.unregister(BY_HAND.id))
    fleet.pass_time(60)
    assert pair[0].ids == pair[1].ids == {BY_HAND.id, LEASED.id}


def test_a_redis_that_was_away_ends_no_lease_of_those_who_could_not_renew(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory
) -> None:
    fleet.beating = [LEASED]
    fleet.pass_time(10)
    server.stop()
    fleet.pass_time(60)
    server.away = False
    fleet.pass_time(60)
    assert [event for event, _ in pair[1].told.heard] == ["joined"]


def test_an_emptied_redis_loses_nobody_but_the_dead(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory
) -> None:
    fleet.beating = [LEASED, DEAD]
    fleet.done(pair[0].registry.register(BY_HAND))
    fleet.pass_time(10)
    server.stop()
    server.empty()
    fleet.beating.remove(DEAD)
    fleet.pass_time(30)
    server.away = False
    fleet.pass_time(9)
    assert pair[0].ids == pair[1].ids == {BY_HAND.id, LEASED.id, DEAD.id}
    fleet.pass_time(5)
    assert pair[0].ids == pair[1].ids == {BY_HAND.id, LEASED.id}
    for gateway in pair:
        assert [gone for gone in gateway.told.heard if gone[0] == "left"] == [("left", DEAD.id)]


@pytest.mark.parametrize("key", ["state", "backends", "leases"])
def test_a_redis_that_lost_a_key_loses_nobody(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory, key: str
) -> None:
    fleet.beating = [LEASED]
    fleet.done(pair[0].registry.register(BY_HAND))
    fleet.pass_time(10)
    server.do("DEL", f"openprequal:{key}")
    fleet.pass_time(20)
    assert pair[0].told.heard == [("joined", BY_HAND.id), ("joined", LEASED.id)]
    fleet.beating = []
    fleet.pass_time(12)
    assert pair[0].ids == pair[1].ids == {BY_HAND.id}


def test_half_a_membership_that_vanished_comes_back(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory
) -> None:
    fleet.done(pair[0].registry.register(BY_HAND))
    fleet.done(pair[0].registry.register(OTHER))
    server.do("HDEL", "openprequal:backends", OTHER.id)
    fleet.pass_time(1)
    assert [event for event, _ in pair[1].told.heard] == ["joined", "joined"]
    assert fleet.gateway().ids == {BY_HAND.id, OTHER.id}


def test_a_redis_set_back_to_a_snapshot_is_as_the_gateways_knew_it(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory
) -> None:
    fleet.done(pair[0].registry.register(BY_HAND))
    snapshot = server.copy()
    fleet.done(pair[0].registry.unregister(BY_HAND.id))
    fleet.done(pair[1].registry.register(OTHER))
    server.stop()
    server.set_back(snapshot)
    server.away = False
    fleet.pass_time(5)
    assert pair[0].ids == pair[1].ids == fleet.gateway().ids == {OTHER.id}


@pytest.mark.parametrize("stale_first", [True, False])
def test_a_gateway_that_missed_an_unregistration_brings_nobody_back(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory, stale_first: bool
) -> None:
    knowing, stale = pair
    fleet.done(knowing.registry.register(BY_HAND))
    fleet.done(knowing.registry.register(OTHER))
    stale.clock.cut()
    fleet.done(knowing.registry.unregister(BY_HAND.id))
    knowing.clock.cut()
    server.empty()
    for gateway in [stale, knowing] if stale_first else [knowing, stale]:
        gateway.clock.mend()
        fleet.pass_time(5)
    assert knowing.ids == stale.ids == {OTHER.id}


def test_who_is_unregistered_after_redis_forgot_is_not_written_back_by_another(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory
) -> None:
    fleet.done(pair[0].registry.register(BY_HAND))
    fleet.done(pair[0].registry.register(OTHER))
    pair[1].clock.cut()
    server.do("FLUSHALL")
    assert fleet.done(pair[0].registry.unregister(BY_HAND.id)) is True
    pair[1].clock.mend()
    fleet.pass_time(5)
    assert pair[0].ids == pair[1].ids == {OTHER.id}


def test_a_gateway_cut_off_catches_up(fleet: Fleet, pair: tuple[Gateway, Gateway]) -> None:
    fleet.done(pair[0].registry.register(BY_HAND))
    pair[1].clock.cut()
    fleet.done(pair[0].registry.unregister(BY_HAND.id))
    fleet.done(pair[0].registry.register(OTHER))
    assert pair[1].ids == {BY_HAND.id}
    pair[1].clock.mend()
    fleet.pass_time(2)
    assert pair[1].ids == {OTHER.id}


def test_a_redis_that_does_not_answer_is_away(fleet: Fleet, server: RedisInMemory) -> None:
    gateway = fleet.gateway()
    server.mute = True
    pending = gateway.registry.register(BY_HAND)
    fleet.pass_time(3)
    assert fleet.refused(pending)
    assert not gateway.registry.connected
    server.mute = False
    fleet.pass_time(5)
    assert fleet.done(gateway.registry.register(BY_HAND)) is None


def test_a_redis_that_lost_the_script_gets_it_again(fleet: Fleet, server: RedisInMemory) -> None:
    gateway = fleet.gateway()
    server.do("SCRIPT", "FLUSH")
    fleet.pass_time(3)
    assert fleet.done(gateway.registry.register(BY_HAND)) is None


@pytest.mark.parametrize("garbage", ["", "nonsense", "0 []", '0 {"url":7}', '0 {"url":"http://elsewhere.test:1"}'])
def test_what_is_no_backend_is_ignored_and_counted(
    fleet: Fleet, pair: tuple[Gateway, Gateway], server: RedisInMemory, garbage: str
) -> None:
    fleet.done(pair[0].registry.register(BY_HAND))
    fleet.done(pair[0].registry.register(OTHER))
    server.do("HSET", "openprequal:backends", OTHER.id, garbage)
    newcomer = fleet.gateway()
    assert newcomer.ids == {BY_HAND.id}
    assert newcomer.registry.ignored == (1 if garbage else 0)


def test_its_source_is_told(fleet: Fleet, server: RedisInMemory) -> None:
    server.away = True
    gateway = fleet.gateway()
    assert IRegistrySource.providedBy(gateway.registry)
    assert gateway.registry.age_s() is None
    server.away = False
    fleet.pass_time(2)
    assert gateway.registry.connected
    server.stop()
    fleet.pass_time(10)
    assert not gateway.registry.connected
    assert 9 < (gateway.registry.age_s() or 0) < 11


def test_a_change_of_its_state_is_logged_once(
    fleet: Fleet, server: RedisInMemory, said: Callable[[], list[str]]
) -> None:
    fleet.gateway()
    server.stop()
    fleet.pass_time(30)
    server.away = False
    fleet.pass_time(5)
    assert [line.split(":")[0] for line in said()] == [
        "connected to the registry redis",
        "the registry redis",
        "connected to the registry redis",
    ]


def test_a_redis_that_takes_nothing_is_away_and_said_once(
    fleet: Fleet, server: RedisInMemory, said: Callable[[], list[str]]
) -> None:
    gateway = fleet.gateway()
    server.refusal = b"READONLY You can't write against a read only replica."
    fleet.pass_time(30)
    assert not gateway.registry.connected
    assert len(said()) == 2
    assert "READONLY" in said()[1]
    server.refusal = b""
    fleet.pass_time(3)
    assert gateway.registry.connected


def test_a_heartbeat_that_waits_when_redis_goes_is_refused(fleet: Fleet, server: RedisInMemory) -> None:
    gateway = fleet.gateway()
    fleet.done(gateway.registry.register(LEASED))
    waiting = gateway.registry.register(LEASED)
    server.stop()
    assert fleet.refused(waiting)


def test_a_redis_never_reached_is_said_once(fleet: Fleet, server: RedisInMemory, said: Callable[[], list[str]]) -> None:
    server.away = True
    fleet.gateway()
    fleet.pass_time(30)
    assert len(said()) == 1
    assert "cannot be reached" in said()[0]


def test_a_password_is_sent_and_never_said(fleet: Fleet, server: RedisInMemory, said: Callable[[], list[str]]) -> None:
    server.password = b"open sesame"
    assert fleet.gateway(url="redis://:open%20sesame@127.0.0.1/").registry.connected
    wrong = fleet.gateway(url="redis://:wrongly@127.0.0.1/")
    fleet.pass_time(5)
    assert not wrong.registry.connected
    assert "WRONGPASS" in said()[-1]
    assert not [line for line in said() if "sesame" in line or "wrongly" in line]


STEPS = st.tuples(st.sampled_from(["register", "unregister", "cut", "mend", "empty", "set back"]), st.integers(0, 5))


@settings(max_examples=15)
@given(st.lists(STEPS, min_size=4, max_size=14))
def test_whatever_happened_all_agree_in_the_end(steps: list[tuple[str, int]]) -> None:
    backends = [Backend(url=f"http://b{number}.test:1") for number in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        server = RedisInMemory(patch)
        fleet = Fleet(server)
        pair = [fleet.gateway(), fleet.gateway()]
        snapshot = server.copy()
        for what, number in steps:
            gateway, backend = pair[number % 2], backends[number // 2]
            match what:
                case "register":
                    fleet.done(gateway.registry.register(backend))
                case "unregister":
                    fleet.done(gateway.registry.unregister(backend.id))
                case "cut":
                    gateway.clock.cut()
                    snapshot = server.copy()
                case "mend":
                    gateway.clock.mend()
                    fleet.pass_time(number / 3)
                case "empty":
                    server.do("FLUSHALL")
                case "set back":
                    server.stop()
                    server.set_back(snapshot)
                    server.away = False
        for gateway in pair:
            gateway.clock.mend()
        fleet.pass_time(4)
        assert pair[0].ids == pair[1].ids == fleet.gateway().ids
