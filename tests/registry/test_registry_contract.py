"""Every registry of the catalogue keeps the contract."""

from typing import TypeVar

import pytest
from redis_in_memory import ClockWithRedis, RedisInMemory
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.catalogue import REGISTRIES
from openprequal.testing.registry_contract import RegistryContract

T = TypeVar("T")


class TestEveryCataloguedRegistry(RegistryContract):
    @pytest.fixture(autouse=True, params=sorted(REGISTRIES))
    def provider(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = request.param
        self.redis = RedisInMemory(monkeypatch)

    def make(self, context: RegistryContext) -> IRegistry:
        if self.name == "redis":
            return self.in_redis(context)
        return REGISTRIES[self.name](context)

    def in_redis(self, context: RegistryContext) -> IRegistry:
        self.clock = ClockWithRedis(self.redis)
        self.redis.run_on(self.clock)
        parameters = {"url": "redis://127.0.0.1"}
        made = REGISTRIES["redis"](
            RegistryContext(self.clock, context.max_backends, context.heartbeat_timeout_s, parameters)
        )
        self.clock.callLater(0, lambda: None)
        return made

    def settle(self, clock: Clock, pending: "Deferred[T]") -> None:
        if self.name == "redis":
            self.clock.pump([0] * 20 + [0.25] + [0] * 20)

    def started(self, max_backends: int = 100, heartbeat_timeout_s: float | None = None) -> IRegistry:
        registry = super().started(max_backends, heartbeat_timeout_s)
        if self.name == "redis":
            self.clock.pump([0] * 20)
        return registry


def test_the_registry_in_memory_is_catalogued() -> None:
    assert "memory" in REGISTRIES
