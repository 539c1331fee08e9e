"""TLS between a connection and its socket, without a turn of the reactor in between; the only use of Twisted's insides.

Twisted's own transport waits for the reactor's next turn before it encrypts what was written, with a timer for each
write, and once more before it sends. What is written here is whole messages: it is encrypted and sent at once, as
``http1/send.py`` does without TLS.
"""

from collections import Counter
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IProtocolFactory, IReactorTime, ITCPTransport, ITransport
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from openprequal.http1.send import sender
from openprequal.tls.failures import class_of

_FLUSHED = 1 << 16


class TlsTransport(TLSMemoryBIOProtocol):
    """Twisted's TLS, sending at once."""

    factory: "TlsFactory"
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

    def _flushSendBIO(self) -> None:
        try:
            data = self._tlsConnection.bio_read(_FLUSHED)
        except SSL.WantReadError:
            return
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


class TlsFactory(TLSMemoryBIOFactory):
    """Builds :class:`TlsTransport` around what another factory builds."""

    protocol = TlsTransport

    def __init__(
        self,
        creator: Any,
        is_client: bool,
        wrapped: IProtocolFactory,
        clock: IReactorTime,
        *,
        failures: "Counter[str] | None" = None,
        preface: bytes = b"",
    ) -> None:
        """
        :param creator: makes OpenSSL's connections (``IOpenSSLServerConnectionCreator`` or its client's counterpart).
        :param failures: counts handshakes that fail, by class of reason.
        :param preface: goes before TLS, in clear.
        """
        super().__init__(creator, is_client, wrapped, clock)
        self.failures: Counter[str] = Counter() if failures is None else failures
        self.preface = preface

    def buildProtocol(self, addr: Any) -> Any:
        # Twisted's would wrap None, and fail at the first byte.
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else TlsTransport(self, wrapped)  # type: ignore[no-untyped-call]
