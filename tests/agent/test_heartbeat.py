"""Heartbeats against a gateway in memory, in virtual time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from openprequal.agent.heartbeat import Heartbeat, Registration
from openprequal.values import LoadReport, LoadState

INTERVAL_S = 30.0


class Gateway(Resource):
    """Answers as told and notes (seconds, path, body, authorization) of every request; ``silent``: never answers."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.status: int | None = 200
        self.up = True
        self.silent = False
        self.heard: list[tuple[float, str, dict[str, Any], str | None]] = []
        self.tried_at: list[float] = []
        self._stub = StubTreq(self)

    def post(self, url: str, /, **kwargs: Any) -> "Deferred[Any]":
        self.tried_at.append(self.clock.seconds())
        if not self.up:
            return fail(ConnectionRefusedError())
        if self.silent:
            return Deferred()
        answer: Deferred[Any] = self._stub.post(url, **kwargs)
        return answer

    def render(self, request: Request) -> bytes:
        body = json.loads(request.content.read())
        self.heard.append((self.clock.seconds(), request.path.decode(), body, request.getHeader("authorization")))
        request.setResponseCode(self.status)
        if self.status == 307:
            request.setHeader(b"location", b"http://elsewhere/other")
        return b"the token is wrong" if self.status != 200 else b"{}"

    def heartbeat(self, **changes: Any) -> Heartbeat:
        told: dict[str, Any] = {
            "proxy_url": "http://gateway:8000/",
            "registration": Registration("default", 2.0, "/healthz", INTERVAL_S),
            "announce": lambda: succeed("http://backend:8001"),
            "load": lambda: LoadReport(7, 0.25, LoadState.READY),
        }
        told.update(changes)
        return Heartbeat(self.clock, self, Random(1), **told)

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.heard]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@contextmanager
def logged() -> Iterator[list[str]]:
    words: list[str] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_namespace", "").endswith("Heartbeat"):
            words.append(event["word"])

    globalLogPublisher.addObserver(observe)
    yield words
    globalLogPublisher.removeObserver(observe)


def test_a_backend_registers_at_once_with_all_there_is_to_know(gateway: Gateway) -> None:
    gateway.heartbeat().startService()
    assert gateway.heard == [
        (
            0.0,
            "/register",
            {
                "url": "http://backend:8001",
                "port": 8001,
                "service": "default",
                "weight": 2.0,
                "health_path": "/healthz",
                "heartbeat_seconds": 30.0,
                "load": {"rif": 7, "latency": 0.25, "state": "ready"},
            },
            None,
        )
    ]


def test_the_token_is_sent_as_a_bearer(gateway: Gateway) -> None:
    gateway.heartbeat(token=lambda: "s3cret").startService()
    assert gateway.heard[0][3] == "Bearer s3cret"


def test_a_redirect_is_not_followed(gateway: Gateway) -> None:
    gateway.status = 307
    gateway.heartbeat(token=lambda: "s3cret").startService()
    gateway.clock.advance(1)
    assert set(gateway.paths()) == {"/register"}


def test_another_token_is_sent_as_soon_as_it_is_there(gateway: Gateway) -> None:
    tokens = iter(["old", "new", "new"])
    gateway.heartbeat(token=lambda: next(tokens)).startService()
    gateway.clock.advance(INTERVAL_S)
    assert [authorization for *_, authorization in gateway.heard][:2] == ["Bearer old", "Bearer new"]


def test_heartbeats_come_no_later_than_promised_and_not_in_step(gateway: Gateway) -> None:
    gateway.heartbeat().startService()
    gateway.clock.pump([0.5] * 600)
    times = [when for when, *_ in gateway.heard]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(pauses) >= 9
    assert all(0.8 * INTERVAL_S <= pause <= INTERVAL_S + 0.5 for pause in pauses)
    assert len(set(pauses)) > 3


def test_a_gateway_that_starts_later_has_the_backend_within_seconds(gateway: Gateway) -> None:
    gateway.up = False
    gateway.heartbeat().startService()
    gateway.clock.pump([0.25] * 20)
    gateway.up = True
    gateway.clock.pump([0.25] * 16)
    assert gateway.paths() == ["/register"]


def test_failures_back_off_up_to_the_interval(gateway: Gateway) -> None:
    gateway.up = False
    heartbeat = gateway.heartbeat()
    heartbeat.startService()
    gateway.clock.pump([0.25] * 4 * 300)
    pauses = [later - earlier for earlier, later in pairwise(gateway.tried_at)]
    assert pauses[0] <= 0.75
    assert all(later >= earlier for earlier, later in pairwise(pauses[:6]))
    assert 0.8 * INTERVAL_S <= pauses[-1] <= INTERVAL_S + 0.25
    assert heartbeat.counts == {"accepted": 0, "failed": len(gateway.tried_at)}


def test_after_a_success_retries_are_quick_again(gateway: Gateway) -> None:
    gateway.up = False
    gateway.heartbeat().startService()
    gateway.clock.pump([0.25] * 4 * 100)
    gateway.up = True
    gateway.clock.pump([0.25] * 4 * 31)
    gateway.up = False
    tries = len(gateway.tried_at)
    gateway.clock.pump([0.25] * 4 * 31)
    assert gateway.tried_at[tries + 1] - gateway.tried_at[tries] <= 0.75


def test_a_failure_is_logged_once_and_so_is_its_end(gateway: Gateway) -> None:
    with logged() as words:
        gateway.up = False
        gateway.heartbeat().startService()
        gateway.clock.pump([0.25] * 100)
        gateway.up = True
        gateway.clock.pump([0.25] * 4 * 120)
    assert len(words) == 2
    assert words[0].startswith("cannot register with http://gateway:8000, trying on: Connection was refused")
    assert words[1] == "registered with http://gateway:8000 as http://backend:8001"


def test_a_refusal_is_logged_with_the_gateways_reason(gateway: Gateway) -> None:
    gateway.status = 403
    with logged() as words:
        gateway.heartbeat().startService()
    assert words == ["cannot register with http://gateway:8000, trying on: 403 the token is wrong"]


def test_a_gateway_that_does_not_answer_is_a_failure_and_tried_again(gateway: Gateway) -> None:
    gateway.silent = True
    heartbeat = gateway.heartbeat()
    with logged() as words:
        heartbeat.startService()
        gateway.clock.advance(5)
    assert words == ["cannot register with http://gateway:8000, trying on: no answer in 5 s"]
    gateway.silent = False
    gateway.clock.advance(1)
    assert heartbeat.counts == {"accepted": 1, "failed": 1}


def test_an_address_that_cannot_be_found_yet_is_looked_for_again(gateway: Gateway) -> None:
    answers: list[Deferred[str]] = [fail(OSError("no route")), succeed("http://10.0.0.7:8001")]
    gateway.heartbeat(announce=lambda: answers.pop(0)).startService()
    gateway.clock.pump([1] * 60)
    assert {body["url"] for _, _, body, _ in gateway.heard} == {"http://10.0.0.7:8001"}
    assert answers == []


def test_a_backend_unregisters_when_it_stops(gateway: Gateway) -> None:
    heartbeat = gateway.heartbeat()
    heartbeat.startService()
    SynchronousTestCase().successResultOf(heartbeat.stopService())
    assert gateway.heard[-1][1:3] == ("/unregister", {"url": "http://backend:8001", "service": "default"})
    gateway.clock.advance(1000)
    assert gateway.paths() == ["/register", "/unregister"]


def test_a_backend_that_was_never_taken_has_nothing_to_unregister(gateway: Gateway) -> None:
    gateway.status = 403
    heartbeat = gateway.heartbeat()
    heartbeat.startService()
    SynchronousTestCase().successResultOf(heartbeat.stopService())
    assert gateway.paths() == ["/register"]


def test_a_heartbeat_under_way_at_the_stop_may_have_arrived_and_is_undone(gateway: Gateway) -> None:
    gateway.silent = True
    heartbeat = gateway.heartbeat()
    heartbeat.startService()
    gateway.silent = False
    SynchronousTestCase().successResultOf(heartbeat.stopService())
    assert gateway.paths() == ["/unregister"]
    assert gateway.clock.getDelayedCalls() == []


def test_a_gateway_that_hangs_holds_up_the_stop_for_two_seconds_at_most(gateway: Gateway) -> None:
    heartbeat = gateway.heartbeat()
    heartbeat.startService()
    gateway.silent = True
    stopping = heartbeat.stopService()
    gateway.clock.advance(1.9)
    SynchronousTestCase().assertNoResult(stopping)
    gateway.clock.advance(0.1)
    SynchronousTestCase().successResultOf(stopping)


@pytest.mark.parametrize(
    ("url", "port"), [("http://b:9000", 9000), ("https://b", 443), ("http://b", 80), ("http://[::1]:81", 81)]
)
def test_the_port_told_is_that_of_the_url(gateway: Gateway, url: str, port: int) -> None:
    gateway.heartbeat(announce=lambda: succeed(url)).startService()
    assert gateway.heard[0][2]["port"] == port


def test_news_are_told_at_once_and_the_next_heartbeat_is_an_interval_later(gateway: Gateway) -> None:
    heartbeat = gateway.heartbeat()
    heartbeat.startService()
    gateway.clock.advance(1)
    heartbeat.beat_now()
    assert [at for at, *_ in gateway.heard] == [0, 1]
    gateway.clock.advance(0.7 * INTERVAL_S)
    assert len(gateway.heard) == 2
    gateway.clock.advance(0.3 * INTERVAL_S)
    assert len(gateway.heard) == 3


def test_news_that_come_while_a_heartbeat_is_under_way_are_told_after_it(gateway: Gateway) -> None:
    told = [LoadState.READY]
    heartbeat = gateway.heartbeat(load=lambda: LoadReport(0, None, told[-1]))
    gateway.silent = True
    heartbeat.startService()
    gateway.silent = False
    told.append(LoadState.DRAINING)
    heartbeat.beat_now()
    assert gateway.heard == []
    gateway.clock.advance(6)  # the first one is given up
    gateway.clock.advance(0)
    assert [body["load"]["state"] for _, _, body, _ in gateway.heard] == ["draining"]


def test_news_before_the_start_wait_for_it(gateway: Gateway) -> None:
    gateway.heartbeat().beat_now()
    assert gateway.heard == []
