"""Is there room for one more client connection, and who makes room for it?"""

from collections import Counter
from collections.abc import Callable, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING, Final

from openprequal.errors import ServiceBusy, TooManyRequests
from openprequal.limiting.true_client import client_network
from openprequal.networks import Network, is_within

if TYPE_CHECKING:
    from openprequal.frontend.client_connection import ClientConnection

QUIET_S: Final = 1.0
"""A connection on which nothing has happened for so long may be closed: no request is likely to be on its way, which
would be lost."""
LOOK_EVERY_S: Final = 0.25
FOUND_AT_ONCE: Final = 1024


class Room:
    """The connections there are, and how many there may be.

    When there are as many as may be, the one that is needed least is closed for each that comes: first those that have
    never asked for anything, or take their time to, then those kept alive, and of each the one that has been waited for
    longest. So whoever opens connections and holds them, holds them against himself.

    :ivar connections: those open now.
    """

    def __init__(self, now: Callable[[], float], turned_away: "Counter[str]", cut: "Counter[str]") -> None:
        """
        :param turned_away: gets connections that there was no room for counted, by the limit they met.
        :param cut: gets those counted that were closed for others, as ``room``.
        """
        self.connections: set[ClientConnection] = set()
        self._now = now
        self._turned_away = turned_away
        self._cut = cut
        self._most = 1
        self._most_per_client: int | None = None
        self._trusted: Sequence[Network] = ()
        self._per_client: Counter[str] = Counter()
        self._spare: list[tuple[tuple[bool, float], ClientConnection]] = []
        self._look_at = float("-inf")

    def configure(self, most: int, most_per_client: int | None, trusted: Sequence[Network]) -> None:
        """How many there may be from now on.

        :param trusted: proxies, which bring the connections of many clients and may have as many as they like.
        """
        self._most = most
        self._most_per_client = most_per_client
        self._trusted = trusted
        counted = self.connections if most_per_client is not None else ()
        self._per_client = Counter(self._key(each.client) for each in counted)

    def refusal(self, client: str) -> ServiceBusy | TooManyRequests | None:
        """Why a connection of *client* cannot be had; None: it can, and one has been closed for it if need be."""
        most = self._most_per_client
        if most is not None and (key := self._key(client)) and self._per_client[key] >= most:
            self._turned_away["max_connections_per_client"] += 1
            return TooManyRequests("too many connections of one client")
        if len(self.connections) >= self._most and not self._make_room():
            self._turned_away["max_connections"] += 1
            return ServiceBusy("too many connections")
        return None

    def opened(self, connection: "ClientConnection") -> None:
        """Count *connection*."""
        self.connections.add(connection)
        if self._most_per_client is not None:
            self._per_client[self._key(connection.client)] += 1

    def closed(self, connection: "ClientConnection") -> None:
        """It counts no more."""
        self.connections.discard(connection)
        if self._most_per_client is not None:
            key = self._key(connection.client)
            self._per_client[key] -= 1
            if self._per_client[key] <= 0:
                del self._per_client[key]

    def forget(self) -> None:
        """Called from time to time: nobody is remembered as spare for long, who may be gone by now."""
        self._spare.clear()

    def _key(self, client: str) -> str:
        """What connections of *client* are counted under; empty: they may be as many as they like."""
        return "" if is_within(client, self._trusted) else client_network(client)

    def _make_room(self) -> bool:
        """Close a connection that can be spared; False if there is none."""
        now = self._now()
        while True:
            while self._spare:
                expected, connection = self._spare.pop()
                if connection.spare == expected:
                    self._cut["room"] += 1
                    connection.give_way()
                    return True
            if now < self._look_at:
                return False
            self._look_at = now + LOOK_EVERY_S
            quiet = [
                (rank, connection)
                for connection in self.connections
                if (rank := connection.spare) is not None and now - rank[1] >= QUIET_S
            ]
            self._spare = nsmallest(FOUND_AT_ONCE, quiet, key=lambda each: each[0])[::-1]
