"""The factory of client connections: which exchange a request gets, how many connections there may be, drain."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.web.server import Site

from openprequal.errors import ServiceBusy, TooManyRequests
from openprequal.forwarding.accompanied import Witnesses, accompanied
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.error_pages import PLAIN, ErrorPages
from openprequal.forwarding.journey import Witness
from openprequal.frontend.client_connection import ClientConnection, Frontend, client_of
from openprequal.frontend.limits import Limits
from openprequal.frontend.local_answers import LocalAnswer, is_answered_here
from openprequal.frontend.reserved import is_reserved
from openprequal.frontend.resource_exchange import ResourceExchange
from openprequal.frontend.room import Room
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.networks import Network

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
        trusted: Sequence[Network] = (),
        turned_away: "Counter[str] | None" = None,
        cut: "Counter[str] | None" = None,
        witnesses: Sequence[Witness] = (),
        explained: ProxyExchange | None = None,
    ) -> None:
        """
        :param admin: answers the reserved paths; None: they are proxied like all others.
        :param refused: told the status of each request refused before it had an exchange.
        :param subject_of: tells the subject of a client's certificate, if backends are to know it.
        :param trusted: proxies, of which each may have as many connections as it likes.
        :param turned_away: gets connections that there was no room for counted, by the limit they met.
        :param cut: gets those counted that were ended because they took too long, by why.
        :param witnesses: told of each request that *proxy* gets no word of, reserved paths excepted.
        :param explained: makes the exchanges of requests that ask why they go where they go; None: *proxy* does.
        """
        self._proxy = proxy
        self._explained = explained
        self._local = accompanied(self._answered_here, witnesses, now)
        self._admin = admin
        self._now = now
        self._date = date
        cut = Counter() if cut is None else cut
        self._max_connections = max_connections
        self._room = room = Room(now, Counter() if turned_away is None else turned_away, cut)
        room.configure(max_connections, max_connections_per_client, trusted)
        self.connections = room.connections
        self._turned_away: set[ClientConnection] = set()
        self._refused = refused
        self._draining = False
        away = self._turned_away
        common = date, cut, errors, Witnesses(witnesses), subject_of
        self._frontend = Frontend(limits, now, self._exchange, refused, room.opened, room.closed, *common)
        self._beyond = {
            kind: Frontend(limits, now, self._beyond_limit(kind), refused, away.add, away.discard, *common)
            for kind in (ServiceBusy, TooManyRequests)
        }

    def configure(
        self,
        proxy: ProxyExchange,
        limits: Limits,
        *,
        max_connections: int,
        max_connections_per_client: int | None,
        errors: ErrorPages,
        trusted: Sequence[Network],
        witnesses: Sequence[Witness],
        explained: ProxyExchange | None,
    ) -> None:
        """Other settings, as at the beginning, for requests and connections that begin from now on."""
        self._explained = explained
        self._local = accompanied(self._answered_here, witnesses, self._now)
        for frontend in (self._frontend, *self._beyond.values()):
            frontend.limits = limits
            frontend.errors = errors
            frontend.witnesses = Witnesses(witnesses)
        self._max_connections = max_connections
        self._room.configure(max_connections, max_connections_per_client, trusted)
        self.route_by(proxy)

    def route_by(self, proxy: ProxyExchange) -> None:
        """Let *proxy* make the exchanges of requests that begin from now on."""
        self._proxy = proxy
        for connection in self.connections:
            connection.forget_head()

    def buildProtocol(self, addr: IAddress | None) -> ClientConnection | None:
        """A connection; when there are too many, one of one request, and None (which closes it at once) beyond."""
        refusal = self._room.refusal(client_of(addr))
        if refusal is None:
            connection = ClientConnection(self._frontend, last=self._draining)
        elif len(self._turned_away) < min(MAX_TURNED_AWAY, max(FEW_TURNED_AWAY, self._max_connections // 8)):
            connection = ClientConnection(self._beyond[type(refusal)], last=True)
        else:
            self._refused(refusal.status)
            return None
        connection.factory = self
        return connection

    def expire(self) -> None:
        """Called from time to time: close what has been waited for long enough."""
        now = self._now()
        self._room.forget()
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
            return self._local(client, head)
        if self._admin is not None and is_reserved(head.path):
            transport: Any = client.transport  # type: ignore[attr-defined]
            return ResourceExchange(self._admin, client, head, transport, self._now)
        if head.asks_why and self._explained is not None:
            return self._explained(client, head)
        head.proxied = True
        return self._proxy(client, head)

    def _answered_here(self, client: Downstream, head: RequestHead) -> ClientExchange:
        return LocalAnswer(client, head, self._date(), self._now())

    def _beyond_limit(self, kind: type[ServiceBusy | TooManyRequests]) -> ProxyExchange:
        def exchange(client: Downstream, head: RequestHead) -> ClientExchange:
            """For one too many: backends' heartbeats and operators get through, or a crowd would drive out those."""
            if self._admin is not None and is_reserved(head.path) and not head.proxied:
                return self._exchange(client, head)
            raise kind("too many connections")

        return exchange
