"""A signal is heard in the reactor's own time, by all who want to hear it."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openprequal.signals import Signals


class Turns:
    """A reactor that calls when the test lets it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def callFromThread(self, call: Callable[[], object]) -> None:
        self.waiting.append(call)


@pytest.fixture
def before() -> Iterator[list[int]]:
    """What heard SIGUSR1 already."""
    heard: list[int] = []

    def hear(number: int, frame: Any) -> None:
        heard.append(number)

    former = signal.signal(signal.SIGUSR1, hear)
    yield heard
    signal.signal(signal.SIGUSR1, former)


def test_who_heard_a_signal_before_goes_on_hearing_it(before: list[int]) -> None:
    reactor, told = Turns(), []
    signals = Signals(reactor, {signal.SIGUSR1: lambda: told.append("us")})
    signals.startService()
    os.kill(os.getpid(), signal.SIGUSR1)
    signals.stopService()
    assert before == [signal.SIGUSR1]
    assert not told
    for call in reactor.waiting:
        call()
    assert told == ["us"]


def test_once_stopped_only_they_hear_it(before: list[int]) -> None:
    reactor = Turns()
    signals = Signals(reactor, {signal.SIGUSR1: lambda: None})
    signals.startService()
    signals.stopService()
    os.kill(os.getpid(), signal.SIGUSR1)
    assert before == [signal.SIGUSR1]
    assert not reactor.waiting
