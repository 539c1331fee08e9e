"""One TCP connection in memory: at its near end a real protocol, at its far end whoever the test plays, byte by byte.

The near transport keeps to what Twisted's own TCP transport does, because bugs live there: at most ``bufferSize``
bytes a read, a full write buffer pauses the producer, a paused transport does not notice that its peer has gone, an
aborted one loses its connection a turn later.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IProtocol, IPushProducer, ITCPTransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

Address = IPv4Address | IPv6Address


class Ended(StrEnum):
    """How the far end has seen its connection end."""

    FINISHED = "finished"
    """An orderly end, after everything that was sent."""
    RESET = "reset"
    """Without one."""


@implementer(ITCPTransport, IConsumer, IPushProducer)
class MemoryTransport:
    """The near end.

    :ivar arrived: what has arrived at the far end.
    :ivar ended: how the far end has seen it end; None: it has not.
    """

    bufferSize = 65536
    offset = 0
    _tempDataLen = 0
    connected = True
    disconnecting = False

    def __init__(self, clock: Clock, protocol: IProtocol, host: Address, peer: Address) -> None:
        self.arrived = bytearray()
        self.ended: Ended | None = None
        self._clock = clock
        self.protocol = protocol
        self._host = host
        self._peer = peer
        self._inbound = bytearray()
        self._inbound_end: Exception | None = None
        self._reading = True
        self._unsent = bytearray()
        self._taken = True
        self._write_closing = False
        self._aborting = False
        self._no_delay = False
        self._producer: Any = None
        self._producer_paused = False

    # ---- the far end's doing ----------------------------------------------------------------------------------------

    def incoming(self, data: bytes) -> None:
        """*data* is on its way to the protocol, which gets it in the next turn, if it reads."""
        self._inbound += data
        self._soon(self._read)

    def incoming_end(self, reason: Exception) -> None:
        """Nothing more will come: ``ConnectionDone`` after what came before, ``ConnectionLost`` instead of it."""
        self._inbound_end = reason
        if isinstance(reason, ConnectionLost):
            self._inbound.clear()
        self._soon(self._read)

    def take(self, takes: bool) -> None:
        """The far end reads on, or no more: then what is written stays in the write buffer."""
        self._taken = takes
        self._soon(self._write_some)

    # ---- what the reactor does --------------------------------------------------------------------------------------

    def take_some(self, count: int) -> None:
        """The far end takes so many bytes of what has piled up."""
        self.arrived += self._unsent[:count]
        del self._unsent[:count]

    @property
    def dataBuffer(self) -> bytes:
        """What is written and not sent, where Twisted's own transports have it."""
        return bytes(self._unsent)

    def fileno(self) -> int:
        """No descriptor, as of a Twisted transport that is closed."""
        return -1

    @property
    def unread(self) -> int:
        """Bytes on their way to the protocol that it has not read."""
        return len(self._inbound)

    def _soon(self, do: Any) -> None:
        self._clock.callLater(0, do)

    def _read(self) -> None:
        if not self._reading or not self.connected or self.disconnecting or self._aborting:
            return
        if self._inbound:
            data = bytes(self._inbound[: self.bufferSize])
            del self._inbound[: len(data)]
            if self._inbound or self._inbound_end is not None:
                self._soon(self._read)
            self.protocol.dataReceived(data)
        elif self._inbound_end is not None:
            self._lost(self._inbound_end)

    def _write_some(self) -> None:
        if not self._taken or not self.connected or self._aborting:
            return
        self.arrived += self._unsent
        self._unsent.clear()
        if self._producer is not None and self._producer_paused:
            self._producer_paused = False
            self._producer.resumeProducing()
        elif self.disconnecting:
            self._lost(ConnectionDone())
        elif self._write_closing:
            self.ended = Ended.FINISHED

    def _lost(self, reason: Exception) -> None:
        if not self.connected:
            return
        self.connected = False
        self.ended = self.ended or (Ended.FINISHED if isinstance(reason, ConnectionDone) else Ended.RESET)
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        self.protocol.connectionLost(Failure(reason))

    # ---- ITransport -------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if not self.connected or self._aborting or self.ended is not None:
            return
        if self._taken and not self._unsent:
            self.arrived += data
            return
        self._unsent += data
        if self._producer is not None and len(self._unsent) > self.bufferSize:
            self._producer_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        if not self.connected or self.disconnecting:
            return
        if self._write_closing and self.ended is not None:
            self._lost(ConnectionDone())
        else:
            self.disconnecting = True
            self._soon(self._write_some)

    def loseWriteConnection(self) -> None:
        self._write_closing = True
        self._soon(self._write_some)

    def abortConnection(self) -> None:
        if self.connected and not self._aborting:
            self._aborting = True
            self._soon(lambda: self._lost(ConnectionAborted()))

    def getPeer(self) -> Address:
        return self._peer

    def getHost(self) -> Address:
        return self._host

    def getTcpNoDelay(self) -> bool:
        return self._no_delay

    def setTcpNoDelay(self, enabled: bool) -> None:
        self._no_delay = enabled

    def getTcpKeepAlive(self) -> bool:
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Nothing times out here."""

    # ---- IConsumer, IPushProducer -----------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self._producer is not None:
            raise RuntimeError("there is a producer already")
        if not self.connected:
            producer.stopProducing()
            return
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None
        if self.connected and self.disconnecting:
            self._soon(self._write_some)

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        if self.connected and not self.disconnecting:
            self._reading = True
            self._soon(self._read)

    def stopProducing(self) -> None:
        self.loseConnection()


class RawConnection:
    """The far end: says any bytes in any pieces, sees every byte."""

    def __init__(self, clock: Clock, transport: MemoryTransport) -> None:
        self._clock = clock
        self._transport = transport
        self._seen = 0

    @property
    def received(self) -> bytes:
        """Everything that has arrived."""
        return bytes(self._transport.arrived)

    @property
    def unread(self) -> int:
        """Bytes sent that the near end has not read yet."""
        return self._transport.unread

    @property
    def piled_up(self) -> int:
        """Bytes that the near end has written and we have not taken."""
        return len(self._transport.dataBuffer)

    @property
    def ended(self) -> Ended | None:
        """How the near end has ended the connection; None: it is open."""
        return self._transport.ended

    def news(self) -> bytes:
        """What has arrived since the last call."""
        seen, self._seen = self._seen, len(self._transport.arrived)
        return bytes(self._transport.arrived[seen:])

    def post(self, data: bytes) -> None:
        """Send *data* without letting the near end act on it yet: the next turn of the reactor does."""
        self._transport.incoming(data)

    def send(self, data: bytes, *, cuts: Iterable[int] = ()) -> None:
        """Send *data* and let the near end act on it; in pieces, cut at *cuts*, each read by itself."""
        start = 0
        for cut in [*sorted(cuts), len(data)]:
            if piece := data[start:cut]:
                self.post(piece)
                self._clock.advance(0)
            start = max(start, cut)

    def post_end(self, *, reset: bool = False) -> None:
        """End the connection without letting the near end act on it yet, in good order or not."""
        self._transport.incoming_end(ConnectionLost() if reset else ConnectionDone())

    def close(self) -> None:
        """Close the connection in good order."""
        self.post_end()
        self._clock.advance(0)

    def reset(self) -> None:
        """Break the connection."""
        self.post_end(reset=True)
        self._clock.advance(0)

    def stop_reading(self) -> None:
        """Take no more bytes: they pile up at the near end."""
        self._transport.take(False)

    def read_some(self, count: int) -> None:
        """Take so many bytes of what has piled up, and no more."""
        self._transport.take_some(count)

    def read_on(self) -> None:
        """Take what has piled up, and what comes."""
        self._transport.take(True)
        self._clock.advance(0)
