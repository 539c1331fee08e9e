"""Sockets in memory, on a virtual clock: what listens at a port is found by what connects to it."""

from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.python.failure import Failure


class Wire:
    """One end of a connection."""

    def __init__(self, clock: Clock, protocol: Any) -> None:
        self.peer: Wire | None = None
        self._clock = clock
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._clock.callLater(0, self._pass_on, data)

    def loseConnection(self) -> None:
        peer = self.peer
        if peer is not None:
            self.peer = peer.peer = None
            for wire in (self, peer):
                self._clock.callLater(0, wire._protocol.connectionLost, Failure(ConnectionDone()))

    abortConnection = loseConnection

    def setTcpNoDelay(self, enabled: bool) -> None:
        """There is no delay."""

    def _pass_on(self, data: bytes) -> None:
        if self.peer is not None:
            self.peer._protocol.dataReceived(data)


class MemorySockets(Clock):
    """A reactor, as far as the benchmark's processes need one.

    :ivar stopped: it was told to stop.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False
        self._listening: dict[int, Any] = {}

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> "Port":
        self._listening[port] = factory
        return Port(self._listening, port)

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float = 30) -> None:
        self.callLater(0, self._connect, port, factory)

    def _connect(self, port: int, factory: Any) -> None:
        if port not in self._listening:
            factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
            return
        here, there = factory.buildProtocol(None), self._listening[port].buildProtocol(None)
        near, far = Wire(self, here), Wire(self, there)
        near.peer, far.peer = far, near
        there.makeConnection(far)
        here.makeConnection(near)

    def stop(self) -> None:
        self.stopped = True

    def run_for(self, seconds: float, step_s: float = 0.001) -> None:
        """Let time pass in small steps, until told to stop."""
        for _ in range(round(seconds / step_s)):
            if self.stopped:
                return
            self.advance(step_s)


class Port:
    """What is listened on until it is stopped."""

    def __init__(self, listening: dict[int, Any], number: int) -> None:
        self._listening = listening
        self._number = number

    def stopListening(self) -> None:
        del self._listening[self._number]
