"""How long does a scrape of the metrics hold the reactor? The longest turn counts, in memory, for many backends."""

import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, Final

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from openprequal.balancing.round_robin import RoundRobin
from openprequal.health.standing import Standing
from openprequal.interfaces import BalancerContext
from openprequal.metrics.exemplars import Exemplars
from openprequal.metrics.exposition import exposition_in_turns
from openprequal.metrics.families import GatewayMetrics
from openprequal.metrics.gateway_samples import backend_samples, service_samples
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.tally import RequestTally
from openprequal.metrics.window import WindowAverage
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.values import Backend, LoadReport

REPEATS: Final = 5
METHODS: Final = (b"GET", b"POST", b"PUT", b"DELETE")
STATUSES: Final = (200, 201, 204, 304, 400, 404, 500, 502, 503, 504)
FORMATS: Final = {"Prometheus text": "text/plain;version=0.0.4", "OpenMetrics": "application/openmetrics-text"}


def registry(backends: int, clock: Clock) -> CollectorRegistry:
    """The metrics of a gateway with so many backends that all report and serve, and with recorded requests."""
    made: Any = BalancerContext(clock, Random(1), None)  # type: ignore[arg-type]  # round robin sends no probes
    service = Service("default", RoundRobin(made))
    standings: dict[str, Standing] = {}
    for number in range(backends):
        backend = Backend(f"http://10.{number >> 8}.{number & 255}.1:8001")
        nothing: Any = None
        member = Member(backend, nothing, nothing, nothing, WindowAverage(300.0))
        member.report = LoadReport(float(number % 16), 0.002)
        for tenth in range(10):
            member.latency.add(0.002, tenth * 30.0)
        service.add(member)
        service.up(backend)
        standings[backend.id] = Standing(backend, 0.0)
    exemplars, refused = Exemplars(clock.seconds), RequestTally("-")
    for number in range(1000):
        duration_s = 0.0005 * 1.02**number % 100
        service.tally.finished(METHODS[number % 4], STATUSES[number % 10], duration_s)
        exemplars.saw("default", number + 1, number + 1, duration_s)
    metrics = CollectorRegistry()
    GatewayMetrics(
        metrics,
        lambda: service_samples({"default": service}, refused, {}, exemplars),
        lambda: backend_samples({"default": service}, standings, clock.seconds()),
        loop_lag=LoopLag(clock),
    )
    return metrics


class Turns(Clock):
    """Runs what is to be called later when it is asked to, a turn at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Callable[[], object]] = []

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> Any:
        self.waiting.append(partial(callable, *args, **kw))

    def one(self) -> None:
        """The next turn."""
        self.waiting.pop(0)()


def turns(metrics: CollectorRegistry, accept: str) -> tuple[list[float], int]:
    """Seconds of CPU of each turn of one scrape, and the bytes of its page."""
    clock = Turns()
    pages: list[tuple[str, bytes]] = []
    began = time.thread_time()
    exposition_in_turns(clock, metrics, accept).addCallback(pages.append)
    taken = [time.thread_time() - began]
    while not pages:
        began = time.thread_time()
        clock.one()
        taken.append(time.thread_time() - began)
    return taken, len(pages[0][1])


def report(sizes: list[int]) -> None:
    """Measure and print a line for each number of backends and format."""
    sys.stdout.write(f"a scrape, CPU; least of {REPEATS} repeats\n")
    sys.stdout.write(f"{'backends':>9}  {'format':<16}{'page kB':>8}{'turns':>7}{'longest ms':>12}{'all ms':>8}\n")
    for size in sizes:
        clock = Clock()
        clock.advance(270.0)
        metrics = registry(size, clock)
        for name, accept in FORMATS.items():
            rows = [turns(metrics, accept) for _ in range(REPEATS)]
            # What the rest of the machine does can only add to it.
            longest = min(max(taken) for taken, _ in rows) * 1e3
            whole = min(sum(taken) for taken, _ in rows) * 1e3
            taken, page = rows[0]
            sys.stdout.write(f"{size:>9,}  {name:<16}{page / 1e3:>8.0f}{len(taken):>7}{longest:>12.2f}{whole:>8.1f}\n")
            sys.stdout.flush()
