"""The worker's side: what does it do that its parent says, and what does it tell?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from socket import AF_UNIX
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openprequal.listening import ListeningService
from openprequal.registry.told import ToldRegistry
from openprequal.values import Backend, LoadReport, LoadState, ReportFormat
from openprequal.workers.channel import Channel
from openprequal.workers.counts import ACCEPTING, OwnCounts
from openprequal.workers.framing import Message
from openprequal.workers.relay import Relay
from openprequal.workers.told_health import ToldHealth

SETTLE_S: Final = 2.0
"""Names of backends that have not been found by then are waited for no more."""
LOOK_S: Final = 0.02

Answer = Callable[[bytes], Iterable[bytes]]
"""Makes the answer to a question from its particulars, piece by piece, each in a turn of the reactor of its own."""


class Link(Service):
    """Hears the parent from start on. When the parent is gone, this process ends like on SIGTERM."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        registry: ToldRegistry,
        health: ToldHealth,
        counts: OwnCounts,
        relay: Relay,
        listeners: Sequence[ListeningService],
        answers: Mapping[str, Answer],
        reported: Callable[[Backend, LoadReport], None],
        balance: Callable[[str, str, Mapping[str, object], str], object],
        reopen: Callable[[], None],
    ) -> None:
        """
        :param listeners: accept nothing before the parent says so.
        :param answers: what the parent may ask.
        :param reported: told of load reports that came with a heartbeat.
        :param balance: gives a service another balancer, with parameters, for who wants it.
        :param reopen: opens files anew that were moved away.
        """
        self._reactor = reactor
        self._registry = registry
        self._health = health
        self._counts = counts
        self._relay = relay
        self._listeners = listeners
        self._answers = answers
        self._reported = reported
        self._balance = balance
        self._reopen = reopen
        self._accepts = False
        self._channel = Channel(self.hear, self._lost)

    def connect(self, descriptor: int) -> None:
        """Use *descriptor*, inherited, as the channel. Called once, before the start."""
        factory: Any = Factory.forProtocol(lambda: self._channel)
        self._reactor.adoptStreamConnection(descriptor, AF_UNIX, factory)

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._relay.say = self._channel.say
        self._health.doubted = lambda backend_id: self._channel.say("doubted", id=backend_id)
        self._health.heard_state = lambda backend_id, state: self._channel.say("state", id=backend_id, state=state)
        self._channel.say("hello")

    def tell_of(self, events: Iterable[Mapping[str, object]]) -> None:
        """Tell the parent of what happened here."""
        for event in events:
            self._channel.say("event", event=event)

    def hear(self, kind: str, message: Message) -> None:
        """One message of the parent's."""
        told = message.head
        match kind:
            case "cells":
                self._counts.learn(told["cells"])
            case "joined":
                backend = Backend(**told["backend"])
                self._counts.learn({backend.id: told["cell"]})
                self._registry.joined(backend)
                self._channel.say("applied", n=told["n"])
            case "left":
                self._health.forget(told["id"])
                self._registry.left(told["id"], told["reason"])
                self._counts.forget(told["id"])
                self._channel.say("applied", n=told["n"])
            case "judged":
                self._health.judged(told["id"], told["told"])
            case "restore":
                standing = self._health.standings.get(told["id"])
                if standing is not None:
                    self._health.restore(standing)
            case "balancer":
                self._balance(told["service"], told["balancer"], told["parameters"], told["by"])
            case "reported":
                self._report(told)
            case "accept":
                self._accepts = True
                self._accept(self._reactor.seconds() + SETTLE_S)
            case "cease":
                self._cease()
            case "stop":
                self._end()
            case "reopen":
                self._reopen()
            case "ask":
                Deferred.fromCoroutine(self._answer(told["ask"], told["about"], message.payload)).addErrback(
                    lambda failure: self.log.failure("a question could not be answered", failure=failure)
                )
            case _:
                self._relay.hear(kind, message)

    def _accept(self, deadline: float) -> None:
        if not self._accepts:
            return
        if not self._health.settled and self._reactor.seconds() < deadline:
            self._reactor.callLater(LOOK_S, self._accept, deadline)
            return
        for listening in self._listeners:
            listening.accept()
        self._counts.own[ACCEPTING] = 1
        self._channel.say("accepting")

    def _cease(self) -> None:
        self._accepts = False
        self._counts.own[ACCEPTING] = 0
        for listening in self._listeners:
            listening.hand_over()

    def _report(self, told: Mapping[str, Any]) -> None:
        for backend in self._registry.backends():
            if backend.id == told["id"]:
                rif, latency_s, state = told["report"]
                report = LoadReport(rif, latency_s, LoadState(state), format=ReportFormat.OPENPREQUAL)
                self._reported(backend, report)

    async def _answer(self, number: int, about: str, particulars: bytes) -> None:
        for piece in self._answers[about](particulars):
            self._channel.say("answer", piece, ask=number)
            await deferLater(self._reactor, 0)
        self._channel.say("answer", ask=number, last=True)

    def _lost(self) -> None:
        if self.running:
            self.log.warn("the parent is gone: this worker ends")
            self._end()

    def _end(self) -> None:
        # It may be ending already: by SIGTERM, or because it was replaced.
        with suppress(ReactorNotRunning):
            self._reactor.stop()
