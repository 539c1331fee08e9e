"""Several processes accept from one socket: how does each come to its part of the connections?

Whoever wakes first would take all that wait (Twisted accepts a hundred in a row), and who is idle always wakes first.
So each takes one connection at a time, and lets another one do so for a moment if it has more of them than that one.
Why not a socket for each (SO_REUSEPORT): ``docs/decisions/0024-workers.md``.
"""

from collections.abc import Callable, Mapping, Sequence
from socket import AF_UNIX, socket
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol

from openprequal.listening import Layers, ListeningService
from openprequal.workers.counts import CONNECTIONS, OwnCounts
from openprequal.workers.crew import Crew

PATIENCE_S: Final = 0.005
"""So long is a connection left to those who have fewer."""
IMPATIENT_S: Final = 0.05
"""If none of them has taken one by then, because they are busy or hang, all are taken here for so long."""
AHEAD: Final = 1
"""So many more connections than the least do not matter."""


class Turns:
    """Whose turn is it to accept?"""

    def __init__(self, counts: OwnCounts, connections: Callable[[], int], now: Callable[[], float]) -> None:
        """:param connections: how many clients this worker has."""
        self._counts = counts
        self._connections = connections
        self._now = now
        self._least = 0
        self._impatient_until = float("-inf")

    def publish(self) -> int:
        """Let the others know how many connections we have; also returned."""
        count = self._counts.own[CONNECTIONS] = self._connections()
        return count

    def is_ours(self) -> bool:
        """False if another one should take the next connection: look again after :data:`PATIENCE_S`."""
        least = min(self._counts.accepting(), default=None)
        if least is None or self.publish() <= least + AHEAD or self._now() < self._impatient_until:
            return True
        self._least = least
        return False

    def waited(self) -> None:
        """It was not ours, and some time has passed."""
        if min(self._counts.accepting(), default=0) <= self._least:
            self._impatient_until = self._now() + IMPATIENT_S


class _OneAtATime:
    """Of a listening port: what it takes, and when."""

    turns: Turns
    reactor: Any
    connected: Any
    startReading: Callable[[], None]
    stopReading: Callable[[], None]
    _held = False

    @property
    def numberAccepts(self) -> int:
        """How many connections Twisted takes in a row."""
        return 1

    @numberAccepts.setter
    def numberAccepts(self, wanted: int) -> None:
        """It would take more where there are more."""

    def doRead(self) -> None:
        if self.turns.is_ours():
            super().doRead()  # type: ignore[misc]
            self.turns.publish()
        else:
            self.stopReading()
            self.reactor.callLater(PATIENCE_S, self._waited)

    def pauseProducing(self) -> None:
        self._held = True
        self.stopReading()

    def resumeProducing(self) -> None:
        self._held = False
        self._again()

    def _waited(self) -> None:
        self.turns.waited()
        self._again()

    def _again(self) -> None:
        if self.connected and not self._held:
            self.startReading()


class _TcpPort(_OneAtATime, tcp.Port):
    pass


class _UnixPort(_OneAtATime, unix.Port):
    pass


class SharedListening(ListeningService):
    """Listens on sockets that the parent holds. It never ends them, for they are everybody's."""

    turns: Turns
    """Set before it starts."""

    def stopService(self) -> Any:
        self.hand_over()
        return super().stopService()

    def _adopted_port(self, descriptor: int, inherited: socket, factory: IProtocolFactory) -> IListeningPort:
        port: Any
        if inherited.family == AF_UNIX:
            port = _UnixPort._fromListeningDescriptor(self._reactor, descriptor, factory)  # type: ignore[no-untyped-call]
        else:
            port = _TcpPort._fromListeningDescriptor(  # type: ignore[no-untyped-call]
                self._reactor, descriptor, inherited.family, factory
            )
        port.turns = self.turns
        port.startListening()
        adopted: IListeningPort = port
        return adopted


class HeldListening(ListeningService):
    """Binds for the workers, and accepts nothing itself."""

    def __init__(
        self,
        reactor: Any,
        descriptions: Sequence[str],
        crew: Crew,
        name: str,
        inherited: Mapping[str, int] | None,
        layers: Layers,
    ) -> None:
        """:param crew: accepts at once, unless there is another process whose place this one takes."""
        # What would be built for a connection is of no meaning: none is accepted.
        factory = Factory.forProtocol(Protocol)
        super().__init__(reactor, descriptions, factory, name, {} if inherited is None else inherited, layers=layers)
        self._crew = crew
        self._at_once = inherited is None

    @property
    def descriptors(self) -> dict[str, int]:
        """What workers inherit, by the endpoint string each was made from."""
        ports: Sequence[Any] = self.ports
        return {description: port.fileno() for description, port in zip(self.descriptions, ports, strict=True)}

    def startService(self) -> None:
        super().startService()
        if self._at_once:
            self.accept()

    def accept(self) -> None:
        """Let the workers accept."""
        self._crew.accept()

    def hand_over(self) -> None:
        """Let them accept no more."""
        self._crew.cease()
        super().hand_over()
