"""Heartbeats by threads to every gateway behind a name."""

from random import Random

import pytest

from openprequal.agent.behind_name import MISSES, BehindName
from openprequal.agent.heartbeat_body import Registration
from openprequal.agent.workers.gateway_thread import GatewayThread
from openprequal.agent.workers.gateway_threads import GatewayThreads
from openprequal.values import LoadReport

NAME = "dns+http://gateways.test:8000"


class Thread(GatewayThread):
    """One that says what it is told, and runs nothing."""

    def __init__(self, url: str, said: list[str]) -> None:
        registration = Registration("default", 1.0, "/healthz", 30.0)
        super().__init__(url, registration, lambda: "http://me:1", lambda: LoadReport(0, None), Random(1))
        self._its_url = url
        self._said = said

    def start(self) -> None:
        self._said.append(f"start {self._its_url}")

    def end(self, unregister: bool) -> None:
        self._said.append(f"end {self._its_url} {unregister}")


@pytest.fixture
def said() -> list[str]:
    return []


def threads(said: list[str], *urls: str) -> GatewayThreads:
    return GatewayThreads(urls, lambda url: Thread(url, said), lambda name: set())


def test_a_gateway_that_is_named_is_told_at_once(said: list[str]) -> None:
    threads(said, "http://a.test:1", "http://b.test:2")
    assert said == ["start http://a.test:1", "start http://b.test:2"]


def test_every_address_of_a_name_is_told_once(said: list[str]) -> None:
    name, told = BehindName(NAME), threads(said, "http://a.test:1")
    for _ in range(2):
        told.resolved(name, {"192.0.2.1", "::1"})
    assert said[1:] == ["start http://192.0.2.1:8000", "start http://[::1]:8000"]


def test_an_address_that_stays_away_is_told_of_our_leaving(said: list[str]) -> None:
    name, told = BehindName(NAME), threads(said)
    told.resolved(name, {"192.0.2.1", "192.0.2.2"})
    for _ in range(MISSES):
        assert said[2:] == []
        told.resolved(name, {"192.0.2.2"})
    assert said[2:] == ["end http://192.0.2.1:8000 True"]


def test_after_the_end_nobody_new_is_told(said: list[str]) -> None:
    name, told = BehindName(NAME), threads(said, "http://a.test:1")
    told.end(unregister=True)
    told.resolved(name, {"192.0.2.1"})
    assert said == ["start http://a.test:1", "end http://a.test:1 True"]
