"""Whom do we believe a PROXY header, and how does the connection go on behind it as if there had been none?"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from openprequal.networks import Network, is_within
from openprequal.proxy_protocol.header import InvalidProxyHeader, ProxyHeader, read_proxy_header


class ProxiedFactory(Factory[Any]):
    """Passes connections on to *factory*; those from *networks* only behind a PROXY header, which has to be there.

    From anywhere else such a header is what it looks like: no HTTP, and no TLS.

    :ivar networks: who is believed; may change.
    :ivar refused: connections from there that were closed, by reason.
    """

    noisy = False

    def __init__(
        self,
        factory: IProtocolFactory,
        networks: Sequence[Network],
        *,
        now: Callable[[], float],
        timeout_s: Callable[[], float],
        refused: "Counter[str]",
    ) -> None:
        """:param timeout_s: how long the header may take."""
        self.factory = factory
        self.networks = networks
        self.now = now
        self.refused = refused
        self._timeout_s = timeout_s
        self._waiting: set[HeaderReceiver] = set()

    def doStart(self) -> None:
        self.factory.doStart()

    def doStop(self) -> None:
        self.factory.doStop()

    def logPrefix(self) -> str:
        return str(self.factory.logPrefix())  # type: ignore[attr-defined]

    def buildProtocol(self, addr: IAddress | None) -> IProtocol | None:
        if is_within(getattr(addr, "host", ""), self.networks):
            receiver = HeaderReceiver(self, addr)
            self._waiting.add(receiver)
            return receiver
        return self.factory.buildProtocol(addr)  # type: ignore[arg-type]

    def expire(self) -> None:
        """Called from time to time: close connections whose header takes too long."""
        oldest = self.now() - self._timeout_s()
        for receiver in [one for one in self._waiting if one.since < oldest]:
            self.refuse(receiver, "timeout")

    def refuse(self, receiver: "HeaderReceiver", reason: str) -> None:
        """Close it, and count why."""
        self.refused[reason] += 1
        self._waiting.discard(receiver)
        transport: Any = receiver.transport
        transport.abortConnection()

    def gone(self, receiver: "HeaderReceiver") -> None:
        """It has left before its header was there."""
        self._waiting.discard(receiver)

    def passed(self, receiver: "HeaderReceiver", header: ProxyHeader, rest: bytes) -> None:
        """Put the protocol that the connection is for in the place of *receiver*; *rest* came behind the header."""
        self._waiting.discard(receiver)
        transport: Any = receiver.transport
        tell(transport, header)
        protocol: Any = self.factory.buildProtocol(header.source or receiver.peer)  # type: ignore[arg-type]
        if protocol is None:
            transport.abortConnection()
            return
        # The transport calls it directly from now on: what follows costs no more than without a header.
        transport.protocol = protocol
        protocol.makeConnection(transport)
        if rest:
            protocol.dataReceived(rest)


class HeaderReceiver(Protocol):
    """Waits for the header of one connection."""

    def __init__(self, factory: ProxiedFactory, peer: IAddress | None) -> None:
        self.peer = peer
        """Who sends it."""
        self.since = factory.now()
        self._factory = factory
        self._data = b""
        self._over = False

    def dataReceived(self, data: bytes) -> None:
        if self._over:
            return
        self._data += data
        try:
            read = read_proxy_header(self._data)
        except InvalidProxyHeader as error:
            self._over = True
            self._factory.refuse(self, str(error))
            return
        if read is not None:
            header, length = read
            self._over = True
            self._factory.passed(self, header, self._data[length:])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._factory.gone(self)


def tell(transport: Any, header: ProxyHeader) -> None:
    """Let *transport* say of its ends what *header* does, and that it was told."""
    transport.peer_is_told = True
    source, destination = header.source, header.destination
    if source is not None:
        transport.getPeer = lambda: source
        transport.getHost = lambda: destination
