"""Is it time to see whether a backend that is passed over has become better?"""

from openprequal.balancing.indexed_set import IndexedSet
from openprequal.probing.estimate import LoadEstimate


class Trials:
    """Gives, once in *every* picks, one request to a backend that nobody was sent to for a while.

    Whom the rule passes over for long is judged by old samples, and only a request could show that it is well again.
    (One that others keep busy has young samples, and with a hundred gateways trials alone would keep it overloaded.)
    Turns go round all backends and pass those in use, so that the cost is at most one request in *every* times the
    share of such backends: far from the tail even if each is slow.
    """

    __slots__ = ("_every", "_left", "_turn", "_unused_s")

    def __init__(self, every: float, unused_s: float) -> None:
        """:param every: picks; infinite for no trials.
        :param unused_s: how long without a request of ours makes a backend unused.
        """
        self._every = every
        self._left = every
        self._unused_s = unused_s
        self._turn = 0

    def due(self) -> bool:
        """A pick is to be made: is it time? Nearly never."""
        self._left -= 1
        if self._left > 0:
            return False
        self._left = self._every
        return True

    def next(self, up: IndexedSet[LoadEstimate], now_s: float) -> LoadEstimate | None:
        """The backend of *up* that the pick must go to; None if all are in use."""
        if not up:
            return None
        self._turn = (self._turn + 1) % len(up)
        load = up[self._turn]
        unused = load.rif < 1.0 and not load.in_flight and now_s - load.last_started_s >= self._unused_s
        return load if unused and not load.held_back else None
