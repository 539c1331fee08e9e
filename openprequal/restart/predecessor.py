"""How does a new process take the place of the one that started it? It knows its backends before it accepts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from os import getpid
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.internet.stdio import StandardIO
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from openprequal.health.standing import NO_ORDERS, Orders
from openprequal.interfaces import IRegistry
from openprequal.listening import ListeningService
from openprequal.restart.inheritance import END, READY, Inheritance, read_membership_line
from openprequal.values import Backend

POLL_S = 0.05
WARM_S = 5.0
"""Backends that could be picked there and cannot here within this long are waited for no more."""


class Predecessor(LineOnlyReceiver):
    """What the process to be replaced says: who is registered, at once and when it has stopped accepting."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 26

    log = Logger()

    def __init__(
        self,
        clock: Any,
        registry: IRegistry | None,
        offered: Callable[[], Collection[str]],
        take_orders: Callable[[Mapping[str, Orders]], object],
        listeners: Sequence[ListeningService],
        ready: Callable[[], None],
        end: Callable[[], object],
    ) -> None:
        """
        :param registry: is told who is registered; None: it knows by itself.
        :param offered: ids of the backends that may be picked here.
        :param take_orders: told what operators want of backends, by id, where that is another than before.
        :param listeners: accept nothing before :meth:`~openprequal.listening.ListeningService.accept`.
        :param ready: called when they accept.
        :param end: called when this process is not to take over.
        """
        self._clock = clock
        self._registry = registry
        self._offered = offered
        self._take_orders = take_orders
        self._orders: Mapping[str, Orders] = {}
        self._listeners = listeners
        self._ready = ready
        self._end = end
        self._known: dict[str, Backend] | None = None
        """Those it told us of, by id; None: it has told us nothing yet."""
        self._decided = False
        """Whether this process accepts, or ends, is settled."""

    def lineReceived(self, line: bytes) -> None:
        if line == END:
            self._decided = True
            self._end()
            return
        Deferred.fromCoroutine(self._told(line)).addErrback(
            lambda failure: self.log.failure("what the former process said cannot be used", failure=failure)
        )

    async def _told(self, line: bytes) -> None:
        backends, up, orders = read_membership_line(line)
        # First, so that nobody who is drained gets a request. What was wanted here meanwhile is none of its business.
        told = {backend_id: orders.get(backend_id, NO_ORDERS) for backend_id in orders.keys() | self._orders.keys()}
        self._take_orders({each: told[each] for each in told if told[each] != self._orders.get(each, NO_ORDERS)})
        self._orders = orders
        first = self._known is None
        if self._registry is not None:
            await self._tell(self._registry, backends)
        self._known = {backend.id: backend for backend in backends}
        if first:
            deadline = self._clock.seconds() + WARM_S
            while not self._offered() >= up and self._clock.seconds() < deadline:  # type: ignore[operator]
                await deferLater(self._clock, POLL_S)
            self._accept()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # It has said all it had to, or was killed before: then nobody serves while we wait.
        if not self._decided:
            self.log.warn("the former process has ended before this one was ready")
            self._accept()

    async def _tell(self, registry: IRegistry, backends: Sequence[Backend]) -> None:
        known = self._known or {}
        # Whoever has registered with us meanwhile is none of its business.
        for backend_id in known.keys() - {backend.id for backend in backends}:
            await registry.unregister(backend_id)
        for backend in backends:
            if known.get(backend.id) == backend:
                continue
            try:
                await registry.register(backend)
            except Exception:
                self.log.failure("{backend} was not taken over", backend=backend.id)

    def _accept(self) -> None:
        if self._decided:
            return
        self._decided = True
        for listening in self._listeners:
            listening.accept()
        self.sendLine(b"%b %d" % (READY, getpid()))  # type: ignore[no-untyped-call]
        self._ready()


class TakingOver(Service):
    """Talks to the predecessor from start on."""

    def __init__(self, reactor: Any, inheritance: Inheritance, predecessor: Predecessor) -> None:
        self._reactor = reactor
        self._inheritance = inheritance
        self._predecessor = predecessor

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        given = self._inheritance
        # mypy knows Windows' StandardIO only.
        standard_io: Any = StandardIO
        standard_io(self._predecessor, stdin=given.says, stdout=given.hears, reactor=self._reactor)
