"""The gateway starts and stops in an order that loses no request it can finish."""

import signal
from collections.abc import Callable
from typing import Any

import pytest
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from openprequal.clocks import Periodic
from openprequal.lifecycle import Gateway
from openprequal.signals import Signals


class Recorded:
    """Stands for every collaborator; writes down what it was asked, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.busy = 0
        self.companion_stops: Deferred[None] | None = None

    def recorder(self, name: str, **methods: Any) -> Any:
        record = self

        class Part:
            busy = property(lambda self: record.busy)

            def __getattr__(self, method: str) -> Any:
                def call(*_: object) -> object:
                    record.events.append(f"{name}.{method}")
                    return methods.get(method)

                return call

        return Part()


class Listening(Service):
    """The listeners, or a companion."""

    def __init__(self, recorded: Recorded, label: str) -> None:
        self._recorded = recorded
        self._label = label

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._recorded.events.append(f"{self._label}.start")

    def stopService(self) -> "Deferred[None] | None":
        super().stopService()  # type: ignore[no-untyped-call]
        self._recorded.events.append(f"{self._label}.stop")
        return self._recorded.companion_stops if self._label == "companion" else None


class Case:
    def __init__(self) -> None:
        self.clock = Clock()
        self.recorded = Recorded()
        self.ticks: list[float] = []
        self.last_word: Deferred[None] | None = None
        self.gateway = Gateway(
            self.clock,
            self.recorded.recorder("registry", stop=succeed(None)),
            self.recorded.recorder("health"),
            self.recorded.recorder("front"),
            [Periodic(self.clock, 1.0, lambda: self.ticks.append(self.clock.seconds()), "tick")],
            self._end,
            [Listening(self.recorded, "companion")],
            grace_s=10.0,
        )
        Listening(self.recorded, "listening").setServiceParent(self.gateway)  # type: ignore[no-untyped-call]

    def _end(self) -> "Deferred[None] | None":
        self.recorded.events.append("end")
        return self.last_word

    def stop(self) -> list[None]:
        """Begin to stop; the list fills when it is done."""
        done: list[None] = []
        self.recorded.events.clear()
        self.gateway.stopService().addCallback(done.append)
        return done


ORDER = [
    "companion.stop",
    "front.drain",
    "listening.stop",
    "front.shut_down",
    "health.stop",
    "registry.stop",
    "end",
]


@pytest.fixture
def case() -> Case:
    case = Case()
    case.gateway.startService()
    return case


def test_it_knows_its_backends_before_it_listens_and_companions_come_last(case: Case) -> None:
    assert case.recorded.events == ["registry.start", "registry.subscribe", "listening.start", "companion.start"]
    case.clock.advance(1)
    assert len(case.ticks) == 1


def test_it_stops_at_once_when_nothing_is_under_way(case: Case) -> None:
    assert case.stop() == [None]
    assert case.recorded.events == ORDER
    case.clock.advance(5)
    assert case.ticks == []
    assert not case.clock.getDelayedCalls()


def test_it_waits_for_requests_under_way_and_listens_meanwhile(case: Case) -> None:
    case.recorded.busy = 1
    done = case.stop()
    assert case.gateway.stopping
    case.clock.pump([0.05] * 20)
    assert case.recorded.events == ORDER[:2]
    assert len(case.ticks) == 1
    case.recorded.busy = 0
    case.clock.advance(0.05)
    assert case.recorded.events == ORDER
    assert done == [None]


def test_it_waits_no_longer_than_the_grace(case: Case) -> None:
    case.recorded.busy = 1
    done = case.stop()
    case.clock.pump([0.05] * 195)
    assert done == []
    case.clock.pump([0.05] * 10)
    assert done == [None]
    assert case.recorded.events == ORDER


def test_it_waits_for_its_companions_to_leave(case: Case) -> None:
    case.recorded.companion_stops = Deferred()
    done = case.stop()
    assert case.recorded.events == ORDER[:1]
    case.recorded.companion_stops.callback(None)
    assert case.recorded.events == ORDER
    assert done == [None]


def test_it_waits_for_what_ends_last() -> None:
    case = Case()
    case.last_word = Deferred()
    case.gateway.startService()
    done = case.stop()
    assert (case.recorded.events[-1], done) == ("end", [])
    case.last_word.callback(None)
    assert done == [None]


def test_a_signal_is_heard_from_before_the_first_socket_is_open() -> None:
    case = Case()

    class Binding(Service):
        def privilegedStartService(self) -> None:
            signal.raise_signal(signal.SIGUSR2)

    heard: list[str] = []
    Binding().setServiceParent(case.gateway)  # type: ignore[no-untyped-call]
    signals = Signals(InTurn(), {signal.SIGUSR2: lambda: heard.append("SIGUSR2")})
    signals.setServiceParent(case.gateway)  # type: ignore[no-untyped-call]
    case.gateway.privilegedStartService()
    signals.stopService()
    assert heard == ["SIGUSR2"]


class InTurn:
    """A reactor that calls at once what another thread would have it call."""

    def callFromThread(self, call: Callable[[], object]) -> None:
        call()
