"""The factory of client connections: which exchange a request gets, how many connections there may be, drain."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.web.server import Site

from openprequal.forwarding.downstream import Downstream
from openprequal.frontend.client_connection import ClientConnection, ClientExchange, Frontend, client_of
from openprequal.frontend.limits import Limits
from openprequal.frontend.local_answers import LocalAnswer, is_answered_here
from openprequal.frontend.reserved import is_reserved
from openprequal.frontend.resource_exchange import ResourceExchange
from openprequal.frontend.room import Room
from openprequal.frontend.turned_away import TurnedAway
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.limiting.true_client import Network

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
        trusted: Sequence[Network] = (),
        turned_away: "Counter[str] | None" = None,
        cut: "Counter[str] | None" = None,
    ) -> None:
        """
        :param admin: answers the reserved paths; None: they are proxied like all others.
        :param refused: told the status of each request refused before it had an exchange.
        :param trusted: proxies, of which each may have as many connections as it likes.
        :param turned_away: gets connections that there was no room for counted, by the limit they met.
        :param cut: gets those counted that were ended because they took too long, by why.
        """
        self._proxy = proxy
        self._admin = admin
        self._now = now
        self._date = date
        cut = Counter() if cut is None else cut
        self._room = Room(now, Counter() if turned_away is None else turned_away, cut)
        self._room.configure(max_connections, max_connections_per_client, trusted)
        self.connections = self._room.connections
        self._turned_away: set[TurnedAway] = set()
        self._refused = refused
        self._linger_s = limits.linger_s
        self._draining = False
        self._frontend = Frontend(limits, now, self._exchange, refused, self._room.opened, self._room.closed, date, cut)

    def configure(
        self,
        proxy: ProxyExchange,
        limits: Limits,
        *,
        max_connections: int,
        max_connections_per_client: int | None,
        trusted: Sequence[Network],
    ) -> None:
        """Other settings, as at the beginning, for requests and connections that begin from now on."""
        self._proxy = proxy
        self._frontend.limits = limits
        self._linger_s = limits.linger_s
        self._room.configure(max_connections, max_connections_per_client, trusted)
        for connection in self.connections:
            connection.forget_head()

    def buildProtocol(self, addr: IAddress | None) -> ClientConnection | TurnedAway | None:
        """A connection; when there are too many, one that only says so, and None (which closes it at once) beyond."""
        refusal = self._room.refusal(client_of(addr))
        if refusal is not None:
            self._refused(refusal.status)
            if len(self._turned_away) >= MAX_TURNED_AWAY:
                return None
            turned_away = TurnedAway(refusal, self._date(), self._now(), self._turned_away.discard)
            self._turned_away.add(turned_away)
            return turned_away
        connection = ClientConnection(self._frontend, last=self._draining)
        connection.factory = self
        return connection

    def expire(self) -> None:
        """Called from time to time: close what has been waited for long enough."""
        now = self._now()
        self._room.forget()
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
