"""What is told to those who look at the dashboard."""

import json
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from watching import Watcher, events_in
from whole_gateway import Start

from openprequal.balancing.round_robin import RoundRobin
from openprequal.dashboard.backends_shown import LOAD
from openprequal.dashboard.history import History
from openprequal.dashboard.snapshot import SLICE, Looked, Snapshots
from openprequal.dashboard.stream import EVERY_S
from openprequal.interfaces import BalancerContext
from openprequal.metrics.window import WindowAverage
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.values import Backend

LOADED = b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=%d, latency=0.01234567\r\nContent-Length: 0\r\n\r\n"


class Turns(Clock):
    """Counts how often somebody has waited for the next turn of the reactor."""

    turns = 0

    def callLater(self, delay: float, *arguments: Any) -> Any:
        self.turns += not delay
        return super().callLater(delay, *arguments)


def test_who_begins_to_look_is_told_of_every_backend(start: Start) -> None:
    gateway = start(2)
    watcher = Watcher(gateway)
    assert watcher.status == 200
    assert [name for name, _ in watcher.events] == ["hello", "snapshot"]
    assert watcher.snapshots[0]["full"]
    assert watcher.backends.keys() == {each.url for each in gateway.backends}
    assert all(who["up"] and who["condition"] == "up" for who in watcher.backends.values())


def test_afterwards_only_what_has_changed_is_told(start: Start) -> None:
    gateway = start(2)
    watcher = Watcher(gateway)
    gateway.post("/_openprequal/drain", {"url": gateway.backends[0].url})
    gateway.wait(EVERY_S)
    (who,) = watcher.snapshots[-1]["who"].values()
    assert who["url"] == gateway.backends[0].url
    assert who["condition"] == "draining"
    assert who["drained_by_hand"]
    assert who["reason"] == "drained by 127.0.0.1"


def test_where_nothing_happens_nothing_is_told_of_any_backend(start: Start) -> None:
    gateway = start(3, health_interval_seconds=60.0)
    watcher = Watcher(gateway)
    gateway.wait(2 * EVERY_S)
    last = watcher.snapshots[-1]
    assert (last["who"], last["load"], last["gone"]) == ({}, [], [])


def test_a_backend_that_has_left_is_told_to_be_gone_and_why(start: Start) -> None:
    gateway = start(2)
    watcher = Watcher(gateway)
    gateway.post("/unregister", {"url": gateway.backends[0].url})
    gateway.wait(EVERY_S)
    assert watcher.backends.keys() == {gateway.backends[1].url}
    assert [event["kind"] for event in watcher.snapshots[-1]["events"]] == ["left"]


def test_a_report_is_told_with_the_moment_it_came(start: Start) -> None:
    gateway = start()
    watcher = Watcher(gateway)
    gateway.get("/x")
    gateway.backend.send(LOADED % 7)
    reported_at = gateway.reactor.seconds()
    gateway.wait(EVERY_S)
    (load,) = watcher.snapshots[-1]["load"]
    told = dict(zip(LOAD, load[1:], strict=True))
    assert (told["rif"], told["latency"], told["picks"]) == (7, 0.01235, 1)
    assert told["reported_at"] == pytest.approx(reported_at, abs=0.01)


def test_requests_of_the_last_minutes_are_told_to_who_begins_to_look(start: Start) -> None:
    gateway = start()
    for _ in range(3):
        client = gateway.get("/x")
        gateway.backend.send(LOADED % 1)
        assert client.received.startswith(b"HTTP/1.1 200")
    gateway.wait(4.0)
    gateway.answer_all()
    samples = Watcher(gateway).snapshots[0]["history"]["default"]
    assert sum(requests for _, _, _, requests, *_ in samples) == 3


def test_the_probe_pool_is_told_with_its_threshold_and_the_next_pick(start: Start) -> None:
    gateway = start(2)
    for _ in range(4):
        gateway.get("/x")
        for connection in (each for backend in gateway.backends for each in backend.connections):
            if connection.news():
                connection.send(LOADED % 3)
    watcher = Watcher(gateway)
    pool = watcher.snapshots[0]["services"]["default"]["pool"]
    numbers = {int(number) for number in watcher.snapshots[0]["who"]}
    assert {load[0] for load in pool["loads"]} == numbers
    assert pool["picked"] in numbers
    assert pool["threshold"] == 3


def test_another_balancer_is_told_once_it_is_in_force(start: Start) -> None:
    gateway = start()
    watcher = Watcher(gateway)
    wanted = {"balancer": "least_rif", "parameters": {"max_age_seconds": 3}}
    assert gateway.post("/_openprequal/balancer", wanted)[0] == 200
    gateway.wait(EVERY_S)
    service = watcher.snapshots[-1]["services"]["default"]
    assert (service["balancer"], service["parameters"], service["by"]) == (
        *("least_rif", {"max_age_seconds": 3}),
        "127.0.0.1",
    )
    assert service["pool"] is None


def test_many_backends_are_looked_at_in_several_turns() -> None:
    clock = Turns()
    service = Service("default", RoundRobin(BalancerContext(clock, Random(1), None)))
    no_connections: Any = SimpleNamespace(opened=0, idle=0)
    for port in range(2 * SLICE + 1):
        backend = Backend(f"http://127.0.0.1:{port + 1}")
        service.add(Member(backend, no_connections, no_connections, None, WindowAverage(60.0)))
    services = {"default": service}
    made: list[bytes] = []
    Snapshots(clock, Looked(services, {}, list, History(services), list)).next().addCallback(made.append)
    clock.advance(0)
    assert clock.turns == 4
    assert len(json.loads(made[0])["who"]) == 2 * SLICE + 1


@given(st.text())
def test_whatever_a_backend_says_cannot_leave_its_place_in_the_stream(text: str) -> None:
    event = {"n": 1, "kind": "left", "backend": text, "message": text}
    looked = Looked({}, {}, list, History({}), list, lambda after: ([event], 1))
    made: list[bytes] = []
    Snapshots(Clock(), looked).next().addCallback(made.append)
    (snapshot,) = made
    assert b"\n" not in snapshot
    assert snapshot.isascii()
    ((_, data),) = events_in(b"event: snapshot\ndata: " + snapshot + b"\n\n")
    assert data["events"] == json.loads(json.dumps([event]))


def test_numbers_that_json_has_none_for_are_left_out() -> None:
    looked = Looked({}, {}, list, History({}), list, lambda after: ([{"n": 1, "at": float("nan")}], 1))
    made: list[Any] = []
    Snapshots(Clock(), looked).next().addCallback(made.append)
    assert json.loads(made[0])["events"] == [{"n": 1, "at": None}]
