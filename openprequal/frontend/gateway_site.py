"""The factory of client connections: which exchange a request gets, how many connections there may be, drain."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.web.server import Site

from openprequal.errors import ServiceBusy
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.error_pages import PLAIN, ErrorPages
from openprequal.frontend.client_connection import ClientConnection, Frontend, client_of
from openprequal.frontend.limits import Limits
from openprequal.frontend.local_answers import LocalAnswer, is_answered_here
from openprequal.frontend.reserved import is_reserved
from openprequal.frontend.resource_exchange import ResourceExchange
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead

MAX_TURNED_AWAY: Final = 1024
"""Connections beyond the limit that are answered at a time, where the limit is that high: one for eight of those."""
FEW_TURNED_AWAY: Final = 16


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
        errors: ErrorPages = PLAIN,
        subject_of: Callable[[Any], bytes] | None = None,
    ) -> None:
        """
        :param admin: answers the reserved paths; None: they are proxied like all others.
        :param refused: told the status of each request refused before it had an exchange.
        :param subject_of: tells the subject of a client's certificate, if backends are to know it.
        """
        self._proxy = proxy
        self._admin = admin
        self._now = now
        self._date = date
        self._max_connections = max_connections
        self._max_per_client = max_connections_per_client
        self._per_client: Counter[str] = Counter()
        self.connections: set[ClientConnection] = set()
        self._turned_away: set[ClientConnection] = set()
        self._refused = refused
        self._draining = False
        away = self._turned_away
        asked = errors, subject_of
        self._frontend = Frontend(limits, now, self._exchange, refused, self._opened, self._closed, date, *asked)
        self._beyond = Frontend(limits, now, self._exchange_beyond, refused, away.add, away.discard, date, *asked)

    def configure(
        self,
        proxy: ProxyExchange,
        limits: Limits,
        *,
        max_connections: int,
        max_connections_per_client: int | None,
        errors: ErrorPages,
    ) -> None:
        """Other settings, as at the beginning, for requests and connections that begin from now on."""
        self._proxy = proxy
        for frontend in (self._frontend, self._beyond):
            frontend.limits = limits
            frontend.errors = errors
        self._max_connections = max_connections
        self._max_per_client = max_connections_per_client
        self._per_client = Counter(connection.client for connection in self.connections)
        for connection in self.connections:
            connection.forget_head()

    def buildProtocol(self, addr: IAddress | None) -> ClientConnection | None:
        """A connection; when there are too many, one of one request, and None (which closes it at once) beyond."""
        client = client_of(addr)
        if len(self.connections) >= self._max_connections or (
            self._max_per_client is not None and client and self._per_client[client] >= self._max_per_client
        ):
            if len(self._turned_away) >= min(MAX_TURNED_AWAY, max(FEW_TURNED_AWAY, self._max_connections // 8)):
                self._refused(ServiceBusy.status)
                return None
            connection = ClientConnection(self._beyond, last=True)
        else:
            connection = ClientConnection(self._frontend, last=self._draining)
        connection.factory = self
        return connection

    def expire(self) -> None:
        """Called from time to time: close what has been waited for long enough."""
        now = self._now()
        for connection in [*self.connections, *self._turned_away]:
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
        for connection in [*self.connections, *self._turned_away]:
            connection.shut_down()

    def _exchange(self, client: Downstream, head: RequestHead) -> ClientExchange:
        if head.proxied:
            return self._proxy(client, head)
        if is_answered_here(head):
            return LocalAnswer(client, head, self._date(), self._now())
        if self._admin is not None and is_reserved(head.path):
            transport: Any = client.transport  # type: ignore[attr-defined]
            return ResourceExchange(self._admin, client, head, transport, self._now)
        head.proxied = True
        return self._proxy(client, head)

    def _exchange_beyond(self, client: Downstream, head: RequestHead) -> ClientExchange:
        """For one too many: backends' heartbeats and operators get through, or a crowd would drive out the backends."""
        if self._admin is not None and is_reserved(head.path) and not head.proxied:
            return self._exchange(client, head)
        raise ServiceBusy("too many connections")

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
