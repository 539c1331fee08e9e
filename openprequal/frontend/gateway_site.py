"""The factory of client connections: which exchange a request gets, how many connections there may be, drain."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.web.server import Site

from openprequal.forwarding.downstream import Downstream
from openprequal.frontend.client_connection import ClientConnection, ClientExchange, Frontend, client_of
from openprequal.frontend.limits import Limits
from openprequal.frontend.local_answers import LocalAnswer, is_answered_here
from openprequal.frontend.reserved import is_reserved
from openprequal.frontend.resource_exchange import ResourceExchange
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead

ProxyExchange = Callable[[Downstream, RequestHead], ClientExchange]


class GatewaySite(Factory["ClientConnection"]):
    """Builds the connections of the proxied port.

    :ivar connections: those open now.
    """

    noisy = False

    def __init__(
        self,
        proxy: ProxyExchange,
        admin: Site | None,
        limits: Limits,
        *,
        now: Callable[[], float],
        date: Callable[[], Field],
        refused: Callable[[int], None],
        max_connections: int,
        max_connections_per_client: int | None = None,
    ) -> None:
        """
        :param admin: answers the reserved paths; None: they are proxied like all others.
        :param refused: told the status of each request refused before it had an exchange.
        """
        self._proxy = proxy
        self._admin = admin
        self._now = now
        self._date = date
        self._max_connections = max_connections
        self._max_per_client = max_connections_per_client
        self._per_client: Counter[str] = Counter()
        self.connections: set[ClientConnection] = set()
        self.refused_connections = 0
        self._draining = False
        self._frontend = Frontend(limits, now, self._exchange, refused, self._opened, self._closed, date)

    def buildProtocol(self, addr: IAddress | None) -> ClientConnection | None:
        """A connection, or None (which closes it at once) when there are too many."""
        client = client_of(addr)
        if len(self.connections) >= self._max_connections or (
            self._max_per_client is not None and client and self._per_client[client] >= self._max_per_client
        ):
            self.refused_connections += 1
            return None
        connection = ClientConnection(self._frontend, last=self._draining)
        connection.factory = self
        return connection

    def expire(self) -> None:
        """Called from time to time: close what has been waited for long enough."""
        now = self._now()
        for connection in list(self.connections):
            connection.expire(now)

    @property
    def busy(self) -> int:
        """Connections with a request under way."""
        return sum(connection.busy for connection in self.connections)

    def drain(self) -> None:
        """Finish what is under way, take nothing new on the connections there are."""
        self._draining = True
        for connection in list(self.connections):
            connection.drain()

    def shut_down(self) -> None:
        """End every connection now."""
        for connection in list(self.connections):
            connection.shut_down()

    def _exchange(self, client: Downstream, head: RequestHead) -> ClientExchange:
        if is_answered_here(head):
            return LocalAnswer(client, head, self._date(), self._now())
        if self._admin is not None and is_reserved(head.path):
            transport: Any = client.transport  # type: ignore[attr-defined]
            return ResourceExchange(self._admin, client, head, transport, self._now)
        return self._proxy(client, head)

    def _opened(self, connection: ClientConnection) -> None:
        self.connections.add(connection)
        if self._max_per_client is not None:
            self._per_client[connection.client] += 1

    def _closed(self, connection: ClientConnection) -> None:
        self.connections.discard(connection)
        if self._max_per_client is not None:
            self._per_client[connection.client] -= 1
            if not self._per_client[connection.client]:
                del self._per_client[connection.client]
