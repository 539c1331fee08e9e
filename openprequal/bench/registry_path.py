"""What does a registry in Redis cost a gateway, and Redis? A thousand backends register, and send heartbeats."""

import sys
import tempfile
import time
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from openprequal.bench.faults.redis_server import redis_server
from openprequal.bench.processes import Running, free_ports
from openprequal.interfaces import RegistryContext
from openprequal.reactor import PlainEPollReactor
from openprequal.registry.redis.registry import RedisRegistry
from openprequal.values import Backend

HEARTBEAT_S = 5.0
TURN_S = 0.02
"""How often some of the heartbeats are due."""


class RegistryPath:
    """So many *backends* at one gateway's registry in this process; nothing else of the gateway."""

    def __init__(self, redis: Running, port: int, backends: int) -> None:
        self._reactor = PlainEPollReactor()  # type: ignore[no-untyped-call]
        parameters = {"url": f"redis://127.0.0.1:{port}"}
        context = RegistryContext(self._reactor, backends, None, parameters)
        self._registry = RedisRegistry(context)
        self._redis = redis
        self._backends = [
            Backend(f"http://127.0.0.1:{each + 1}", heartbeat_seconds=HEARTBEAT_S) for each in range(backends)
        ]
        self.lines: list[str] = []

    def run(self, seconds: float) -> None:
        """Register all, then pass on heartbeats for so long; what they cost is in ``lines``."""
        self._reactor.callWhenRunning(lambda: Deferred.fromCoroutine(self._run(seconds)).addBoth(self._end))
        self._reactor.run(installSignalHandlers=False)

    async def _run(self, seconds: float) -> None:
        self._registry.start()
        while not self._registry.connected:
            await deferLater(self._reactor, TURN_S)
        count = len(self._backends)
        began, own_s, its_s = self._now()
        for backend in self._backends:
            await self._registry.register(backend)
        self._tell(f"{count} registrations", count, began, own_s, its_s)
        began, own_s, its_s = self._now()
        sent = 0
        while (passed_s := time.monotonic() - began) < seconds:
            while sent < passed_s * count / HEARTBEAT_S:
                self._registry.register(self._backends[sent % count]).addErrback(lambda _: None)
                sent += 1
            await deferLater(self._reactor, TURN_S)
        self._tell(f"{count} backends with a heartbeat every {HEARTBEAT_S:g} s", sent, began, own_s, its_s)
        known = len(self._registry.backends())
        self.lines.append(f"known at the end: {known} of {count}")

    def _now(self) -> tuple[float, float, float]:
        return time.monotonic(), time.process_time(), self._redis.cpu_s()

    def _tell(self, what: str, count: int, began: float, own_s: float, its_s: float) -> None:
        now, own_now_s, its_now_s = self._now()
        own, its, wall = own_now_s - own_s, its_now_s - its_s, now - began
        self.lines.append(
            f"{what}: gateway {100 * own / wall:.2f} % of a core ({1e6 * own / count:.0f} µs each), "
            f"Redis {100 * its / wall:.2f} %, in {wall:.1f} s"
        )

    def _end(self, result: object) -> None:
        self._registry.stop().addBoth(lambda _: self._reactor.stop())
        if result is not None:
            self.lines.append(str(result))


def report(backends: int, seconds: float) -> int:
    """Measure and print.

    :raises StartFailed: there is no Redis.
    """
    (port,) = free_ports(1)
    with (
        tempfile.TemporaryDirectory(prefix="openprequal-registry-") as folder,
        redis_server(Path(folder), port) as redis,
    ):
        path = RegistryPath(redis, port, backends)
        path.run(seconds)
    sys.stdout.write("\n".join(path.lines) + "\n")
    return 0
