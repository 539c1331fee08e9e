"""What do operators want of which backend, drained or ejected, and how long is it remembered?"""

from collections.abc import Callable, Mapping
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openprequal.health.standing import NO_ORDERS, Orders, Standing

REMEMBERED_S: Final = 3600.0
"""A backend that leaves and is back within this long is still drained: it was restarted, which it was drained for.

Not for ever, because whoever has its address tomorrow may be another.
"""
MOST_REMEMBERED: Final = 1000


class ByHand:
    """The orders for the backends there are, and for those that have left not long ago.

    A registration does not undo them, whoever it comes from: they are the gateway's own, and no registry knows of them.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, standings: Mapping[str, Standing], changed: Callable[[Standing], None]
    ) -> None:
        """
        :param standings: of all backends, by id.
        :param changed: told whose orders are others.
        """
        self._clock = clock
        self._standings = standings
        self._changed = changed
        self._gone: dict[str, tuple[Orders, float]] = {}
        """Orders for those that have left, and when they did."""

    def drain(self, standing: Standing, by: str) -> bool:
        """Nothing new goes there until :meth:`undrain`; True if that is news."""
        return standing.orders.drained_by is None and self._give(standing, standing.orders._replace(drained_by=by))

    def undrain(self, standing: Standing) -> bool:
        """It may be picked again, for all we want; True if that is news."""
        return self._give(standing, standing.orders._replace(drained_by=None))

    def eject(self, standing: Standing, by: str) -> bool:
        """Nothing new goes there until :meth:`restore`, and others take its place; True if that is news."""
        return standing.orders.ejected_by is None and self._give(standing, standing.orders._replace(ejected_by=by))

    def restore(self, standing: Standing) -> bool:
        """It is not ejected by hand any more; True if that is news."""
        return self._give(standing, standing.orders._replace(ejected_by=None))

    def orders(self) -> dict[str, Orders]:
        """All there are, by the backend's id."""
        here = {backend_id: standing.orders for backend_id, standing in self._standings.items()}
        gone = {backend_id: orders for backend_id, (orders, _) in self._gone.items()}
        return {backend_id: orders for backend_id, orders in (gone | here).items() if orders != NO_ORDERS}

    def take_over(self, orders: Mapping[str, Orders]) -> None:
        """Want what another process wants, of backends that are still to come too.

        :param orders: by the backend's id; where there is none any more, :data:`NO_ORDERS`.
        """
        for backend_id, wanted in orders.items():
            if backend_id in self._standings:
                self._give(self._standings[backend_id], wanted)
            elif wanted != NO_ORDERS:
                self._gone[backend_id] = wanted, self._clock.seconds()
            else:
                self._gone.pop(backend_id, None)

    # Told by the monitor.

    def joined(self, standing: Standing) -> None:
        """It is new, or back."""
        orders, left_at = self._gone.pop(standing.backend.id, (NO_ORDERS, 0.0))
        if orders != NO_ORDERS and self._clock.seconds() - left_at < REMEMBERED_S:
            standing.orders = orders
            self.log.info("{backend} is back, and {reason}", backend=standing.backend.url, reason=standing.reason)

    def left(self, standing: Standing) -> None:
        """It exists no more."""
        if standing.orders == NO_ORDERS:
            return
        self._gone[standing.backend.id] = standing.orders, self._clock.seconds()
        if len(self._gone) > MOST_REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def _give(self, standing: Standing, orders: Orders) -> bool:
        if standing.orders == orders:
            return False
        standing.orders = orders
        standing.since = self._clock.seconds()
        self._changed(standing)
        return True
