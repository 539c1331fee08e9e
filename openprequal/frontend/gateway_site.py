"""The factory of client connections: which exchange a request gets, how many connections there may be, drain."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.web.server import Site

from openprequal.errors import ServiceBusy
from openprequal.forwarding.downstream import Downstream
from openprequal.frontend.client_connection import ClientConnection, ClientExchange, Frontend, client_of
from openprequal.frontend.limits import Limits
from openprequal.frontend.local_answers import LocalAnswer, is_answered_here
from openprequal.frontend.reserved import is_reserved
from openprequal.frontend.resource_exchange import ResourceExchange
from openprequal.frontend.turned_away import TurnedAway
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead

MAX_TURNED_AWAY: Final = 1024
"""Connections beyond the limit that are answered at a time."""

ProxyExchange = Callable[[Downstream, RequestHead], ClientExchange]


class GatewaySite(Factory["ClientConnection | TurnedAway"]):
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
        self._turned_away: set[TurnedAway] = set()
        self._refused = refused
        self._linger_s = limits.linger_s
        self._draining = False
        self._frontend = Frontend(limits, now, self._exchange, refused, self._opened, self._closed, date, subject_of)

    def configure(
        self, proxy: ProxyExchange, limits: Limits, *, max_connections: int, max_connections_per_client: int | None
    ) -> None:
        """Other settings, as at the beginning, for requests and connections that begin from now on."""
        self._proxy = proxy
        self._frontend.limits = limits
        self._linger_s = limits.linger_s
        self._max_connections = max_connections
        self._max_per_client = max_connections_per_client
        self._per_client = Counter(connection.client for connection in self.connections)
        for connection in self.connections:
            connection.forget_head()

    def buildProtocol(self, addr: IAddress | None) -> ClientConnection | TurnedAway | None:
        """A connection; when there are too many, one that only says so, and None (which closes it at once) beyond."""
        client = client_of(addr)
        if len(self.connections) >= self._max_connections or (
            self._max_per_client is not None and client and self._per_client[client] >= self._max_per_client
        ):
            self._refused(ServiceBusy.status)
            if len(self._turned_away) >= MAX_TURNED_AWAY:
                return None
            turned_away = TurnedAway(self._date(), self._now(), self._turned_away.discard)
            self._turned_away.add(turned_away)
            return turned_away
        connection = ClientConnection(self._frontend, last=self._draining)
        connection.factory = self
        return connection

    def expire(self) -> None:
        """Called from time to time: close what has been waited for long enough."""
        now = self._now()
        for connection in list(self.connections):
            connection.expire(now)
        for turned_away in [one for one in self._turned_away if now - one.since > self._linger_s]:
            turned_away.give_up()

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
        for turned_away in list(self._turned_away):
            turned_away.give_up()

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
