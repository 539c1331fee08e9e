"""TLS between a connection and its socket, without a turn of the reactor in between.

Twisted's own transport waits for the reactor's next turn before it encrypts what was written, with a timer for each
write, and for another before it sends. What is written here is whole messages: it is encrypted and sent at once, as
``http1/send.py`` does without TLS. How connections begin, end and are paused is Twisted's; the only module that touches
the insides of its TLS.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from OpenSSL.SSL import Error, WantReadError, ZeroReturnError
from twisted.internet.interfaces import IProtocolFactory, ITCPTransport, ITransport
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from openprequal.http1.send import sender
from openprequal.tls.failures import class_of
from openprequal.tls.session import RECORD, Session


class TlsTransport(TLSMemoryBIOProtocol):
    """Twisted's TLS, sending at once."""

    factory: "TlsFactory"  # type: ignore[assignment]
    _tlsConnection: Session | None  # type: ignore[assignment]
    _ends_writing = False

    def makeConnection(self, transport: ITransport) -> None:
        if self.factory.preface:
            transport.write(self.factory.preface)
        self._transmit = sender(transport)
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    @property
    def bufferSize(self) -> int:
        """Of the socket below: how much is read from it at a time."""
        return self.transport.bufferSize  # type: ignore[union-attr, no-any-return]

    @bufferSize.setter
    def bufferSize(self, size: int) -> None:
        self.transport.bufferSize = size  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        session = self._tlsConnection
        if not self._handshakeDone or self._appSendBuffer or session is None:
            super().dataReceived(data)  # type: ignore[no-untyped-call]
            return
        session.bio_write(data)
        self._flushReceiveBIO()

    def _flushReceiveBIO(self) -> None:
        session = self._tlsConnection
        if session is None:
            return
        received = self.wrappedProtocol.dataReceived
        incoming, pending = session.incoming, session.pending
        try:
            while not self._lostTLSConnection and (incoming.pending or incoming.eof or pending()):
                content = session.recv(RECORD)
                if not self._aborted:
                    received(content)
        except WantReadError:
            pass  # the rest of a record is still to come
        except ZeroReturnError:
            self._shutdownTLS()
            self._tlsShutdownFinished(None)  # type: ignore[no-untyped-call]
        except Error:
            self._tlsShutdownFinished(Failure())  # type: ignore[no-untyped-call]
        self._flushSendBIO()

    def _write(self, data: bytes) -> None:
        session = self._tlsConnection
        if self._lostTLSConnection or session is None:
            return
        size, sent = len(data), 0
        try:
            if size <= RECORD:
                sent = session.send(data) if size else 0
            else:
                view = memoryview(data)
                while sent < size:
                    sent += session.send(view[sent : sent + RECORD])
        except WantReadError:
            self._bufferedWrite(data[sent:])  # type: ignore[no-untyped-call]
        except Error:
            self._tlsShutdownFinished(Failure())  # type: ignore[no-untyped-call]
        self._flushSendBIO()

    def _flushSendBIO(self) -> None:
        # Closing a connection whose other half is closed loses it at once, and the session with it.
        data = self._tlsConnection.outgoing() if self._tlsConnection is not None else b""
        if data:
            self._transmit(data)

    def _shutdownTLS(self) -> None:
        # Having said that nothing more comes, neither side needs to hear the same from the other before it closes
        # (RFC 8446 section 6.1); many never say it.
        super()._shutdownTLS()  # type: ignore[no-untyped-call]
        if not self._aborted and not self._ends_writing:
            self.transport.loseConnection()  # type: ignore[union-attr]

    def loseWriteConnection(self) -> None:
        """Say that nothing more comes, and close our side of the connection; what comes is still read."""
        if not self._handshakeDone:
            self.abortConnection()  # type: ignore[no-untyped-call]
        elif not self.disconnecting:
            self._ends_writing = True
            self._shutdownTLS()
            transport: Any = self.transport
            transport.loseWriteConnection()

    def loseConnection(self) -> None:
        self._ends_writing = False
        super().loseConnection()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._handshakeDone:
            why = self._reason or reason
            self.factory.failures[class_of(why.value)] += 1
        super().connectionLost(reason)  # type: ignore[no-untyped-call]


class TlsFactory(WrappingFactory[TlsTransport]):
    """Builds :class:`TlsTransport` around what another factory builds."""

    protocol = TlsTransport
    noisy = False

    def __init__(
        self,
        begin: Callable[[], Session],
        wrapped: IProtocolFactory,
        *,
        failures: "Counter[str] | None" = None,
        preface: bytes = b"",
    ) -> None:
        """
        :param begin: the TLS of a new connection.
        :param failures: counts handshakes that fail, by class of reason.
        :param preface: goes before TLS, in clear.
        """
        super().__init__(wrapped)  # type: ignore[no-untyped-call]
        self._creatorCallable = lambda _: begin()
        self.failures: Counter[str] = Counter() if failures is None else failures
        self.preface = preface

    def buildProtocol(self, addr: Any) -> Any:
        # Twisted's would wrap None, and fail at the first byte.
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else TlsTransport(self, wrapped)  # type: ignore[no-untyped-call]
