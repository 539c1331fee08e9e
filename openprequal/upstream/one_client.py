"""Connections to a backend that each say for which client they are: the PROXY protocol, towards backends."""

from collections.abc import Callable
from typing import Any, Final, Literal

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime

from openprequal.http1.origin import UNKNOWN, Origin
from openprequal.proxy_protocol.header import block_of, line_of
from openprequal.upstream.connection import UpstreamConnection
from openprequal.upstream.connections import Connections, Dial

HEADERS: Final[dict[str, Callable[[object, object], bytes]]] = {"v1": line_of, "v2": block_of}


class OneClientConnections(Connections):
    """Each connection begins with a header that names a client's connection, and serves no other.

    Our own requests, probes and checks, say that they are ours (``LOCAL``, ``UNKNOWN``) and share theirs.
    """

    def __init__(
        self, dial: Dial, clock: IReactorTime, *, max_idle: int, idle_timeout_s: float, version: Literal["v1", "v2"]
    ) -> None:
        super().__init__(dial, clock, max_idle=max_idle, idle_timeout_s=idle_timeout_s)
        self._header_of = HEADERS[version]

    def give_back(self, connection: UpstreamConnection) -> None:
        # Of clients that are gone nobody takes theirs again: the oldest make room.
        if self._idle and len(self._idle) >= self._max_idle:
            self._idle.popleft().abort()
        super().give_back(connection)

    def take(self, origin: Origin | None = None) -> UpstreamConnection | None:
        """The last of the idle ones that are for the client of *origin*."""
        source = _source(origin)
        for connection in reversed(self._idle):
            # The same object: an address is told once for all requests of a connection.
            if connection.client is source:
                self._idle.remove(connection)
                return connection
        return None

    def _opening(self, origin: Origin | None) -> "Deferred[Any]":
        source = _source(origin)
        destination = origin.destination if origin is not None else None

        def named(connection: UpstreamConnection) -> UpstreamConnection:
            connection.client = source
            return connection

        return self._dial(self._factory, self._header_of(source, destination)).addCallback(named)


def _source(origin: Origin | None) -> IAddress | None:
    return (origin or UNKNOWN).source
