"""The registry in Redis keeps the contract; the script that runs is the real one, in virtual time."""

from typing import TypeVar

import pytest
from redis_in_memory import ClockWithRedis, RedisInMemory
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.catalogue import REGISTRIES
from openprequal.testing.registry_contract import RegistryContract

T = TypeVar("T")


class TestTheRegistryInRedis(RegistryContract):
    @pytest.fixture(autouse=True)
    def server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.redis = RedisInMemory(monkeypatch)

    def make(self, context: RegistryContext) -> IRegistry:
        # The contract's clock reaches no server, so it gets one that does.
        self.clock = ClockWithRedis(self.redis)
        self.redis.run_on(self.clock)
        parameters = {"url": "redis://127.0.0.1"}
        limits = (context.max_backends, context.heartbeat_timeout_s)
        return REGISTRIES["redis"](RegistryContext(self.clock, *limits, parameters))

    def settle(self, clock: Clock, pending: "Deferred[T]") -> None:
        self.clock.pump([0] * 20 + [0.25] + [0] * 20)

    def started(self, max_backends: int = 100, heartbeat_timeout_s: float | None = None) -> IRegistry:
        registry = super().started(max_backends, heartbeat_timeout_s)
        self.clock.pump([0] * 20)
        return registry
