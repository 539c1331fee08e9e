"""Are requests remembered now? Always, where the settings say so, or for a minute after somebody has asked."""

from collections.abc import Callable
from typing import Final

from openprequal.explaining.recent import Recent
from openprequal.forwarding.downstream import ProxyExchange

FOR_S: Final = 60.0
"""For so long after a question requests are remembered where they are not always."""
ON_DEMAND: Final = 200
"""So many then."""
TICK_S: Final = 1.0


class Exchanges:
    """What makes the exchanges of requests, by one reading of the settings.

    :ivar usual: of all of them.
    :ivar explained: of those that ask for an explanation of their own.
    :ivar most: so many requests are always remembered.
    """

    def __init__(
        self, usual: ProxyExchange, explained: ProxyExchange, recorded: Callable[[], ProxyExchange], most: int
    ) -> None:
        """:param recorded: makes what *usual* does, with requests remembered; called once, if at all."""
        self.usual = usual
        self.explained = explained
        self.most = most
        self._make_recorded = recorded
        self._recorded: ProxyExchange | None = None

    @property
    def recorded(self) -> ProxyExchange:
        """As *usual*, and requests are remembered."""
        if self._recorded is None:
            self._recorded = self._make_recorded()
        return self._recorded


class Recording:
    """Puts in place what remembers requests, and takes it away: while nobody wants it, it costs nothing.

    :ivar recent: what is remembered.
    """

    def __init__(self, now: Callable[[], float], recent: Recent) -> None:
        self.recent = recent
        self._now = now
        self._route_by: Callable[[ProxyExchange], None] = lambda exchange: None
        self._exchanges: Exchanges | None = None
        self._until: float | None = None

    def take(self, exchanges: Exchanges, route_by: Callable[[ProxyExchange], None]) -> None:
        """Requests are made by *exchanges* from now on, the usual way.

        :param route_by: lets requests be made another way.
        """
        self._exchanges, self._route_by = exchanges, route_by
        if self._until is not None and not exchanges.most:
            route_by(exchanges.recorded)
        self.recent.remember(exchanges.most or ON_DEMAND)

    def ask(self) -> float | None:
        """Somebody wants to know: remember for a while.

        :return: for how many seconds from now; None: always.
        """
        exchanges = self._exchanges
        if exchanges is None or exchanges.most:
            return None
        if self._until is None:
            self._route_by(exchanges.recorded)
        self._until = self._now() + FOR_S
        return FOR_S

    def tick(self) -> None:
        """Called every :data:`TICK_S`."""
        if self._until is not None and self._now() >= self._until:
            self._until = None
            if self._exchanges is not None and not self._exchanges.most:
                self._route_by(self._exchanges.usual)
