from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from openprequal.metrics.exposition import PIECE_SAMPLES, exposition, exposition_in_turns
from openprequal.metrics.formats import format_for

ACCEPTS = ["", "text/plain;version=0.0.4", "application/openmetrics-text; version=1.0.0", "nonsense/*;;"]


class Gauges(Collector):
    def __init__(self, samples: int) -> None:
        self.samples = samples

    def collect(self) -> Iterator[Metric]:
        for name in ("first", "second"):
            family = GaugeMetricFamily(name, "With # in\nits text.", labels=("number",))
            for number in range(self.samples):
                family.add_metric((f'"{number}"\n# HELP',), number / 3)
            yield family


class CountingClock(Clock):
    turns = 0

    def callLater(self, when: float, what: Any, *args: Any, **kw: Any) -> Any:
        self.turns += 1
        return super().callLater(when, what, *args, **kw)


def registry_of(samples: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Gauges(samples))
    return registry


@pytest.mark.parametrize("accept", ACCEPTS)
@pytest.mark.parametrize("samples", [0, 1, PIECE_SAMPLES, PIECE_SAMPLES + 1, 3 * PIECE_SAMPLES])
def test_the_pieces_are_byte_for_byte_what_prometheus_client_writes(accept: str, samples: int) -> None:
    registry = registry_of(samples)
    wanted = format_for(accept)
    assert exposition(registry, accept) == (wanted.content_type, wanted.encode(registry))


def test_a_large_exposition_takes_a_turn_of_the_reactor_for_each_piece() -> None:
    clock, made = CountingClock(), []
    registry = registry_of(10 * PIECE_SAMPLES)
    exposition_in_turns(clock, registry, "").addCallback(made.append)
    assert made == []
    clock.advance(0)
    assert made == [exposition(registry, "")]
    assert clock.turns >= 20


def test_an_exposition_that_nobody_wants_any_more_stops() -> None:
    clock = Clock()
    failures: list[Any] = []
    waiting: Deferred[Any] = exposition_in_turns(clock, registry_of(10), "")
    waiting.addErrback(failures.append)
    waiting.cancel()
    assert failures[0].check(CancelledError)
    assert clock.getDelayedCalls() == []
