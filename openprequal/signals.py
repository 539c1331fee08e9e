"""Signals: which signals does a process hear besides those that end it?"""

import signal
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import Any

from twisted.application.service import Service


class Signals(Service):
    """Calls what belongs to a signal in the reactor's own time, from start to stop, and what was called before, too:
    twistd rotates its own log on SIGUSR1.

    Python calls a signal's function between any two instructions, in the middle of whatever the reactor does.
    """

    def __init__(self, reactor: Any, heard: Mapping[signal.Signals, Callable[[], object]]) -> None:
        self._reactor = reactor
        self._heard = heard
        self._before: dict[signal.Signals, Any] = {}

    def privilegedStartService(self) -> None:
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        self._hear()

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._hear()

    def _hear(self) -> None:
        if self._before:
            return
        for number, call in self._heard.items():
            self._before[number] = before = signal.getsignal(number)
            signal.signal(number, partial(self._heard_now, call, before))

    def _heard_now(self, call: Callable[[], object], before: Any, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(call)
        if callable(before):
            before(number, frame)

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]
        while self._before:
            signal.signal(*self._before.popitem())
