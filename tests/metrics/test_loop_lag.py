import re

import pytest
import whole_gateway
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock

from openprequal.metrics.loop_lag import LoopLag


def test_a_reactor_in_time_has_no_lag() -> None:
    clock = Clock()
    lag = LoopLag(clock, 0.125)
    lag.start()
    clock.pump([0.125] * 8)
    assert lag.durations.counts[0] == 8
    assert lag.durations.sum_s == 0.0


def test_a_held_reactor_counts_once_with_its_whole_delay() -> None:
    clock = Clock()
    lag = LoopLag(clock, 0.125)
    lag.start()
    clock.advance(0.125)
    clock.advance(1.0)  # eight ticks were due, one comes: seven eighths late
    clock.advance(0.125)
    assert sum(lag.durations.counts) == 3
    assert lag.durations.sum_s == pytest.approx(0.875)


def test_nothing_is_measured_once_stopped() -> None:
    clock = Clock()
    lag = LoopLag(clock)
    lag.start()
    lag.stop()
    clock.advance(5)
    assert sum(lag.durations.counts) == 0
    assert clock.getDelayedCalls() == []


def test_the_gateway_measures_from_its_own_start(monkeypatch: pytest.MonkeyPatch) -> None:
    reactor = MemoryReactorClock()
    reactor.advance(1000.03)
    monkeypatch.setattr(whole_gateway, "MemoryReactorClock", lambda: reactor)
    gateway = whole_gateway.WholeGateway(0)
    gateway.wait(2)
    client = gateway.get("/metrics")
    gateway.wait(1)
    measured = dict(re.findall(r"openprequal_loop_lag_seconds_(sum|count) (\S+)", client.received.decode()))
    assert float(measured["count"]) > 15
    # The clock of the tests goes in steps of half a tick.
    assert float(measured["sum"]) < 10
