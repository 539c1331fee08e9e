"""Whose turn is it?"""

from collections import deque
from collections.abc import Collection

from zope.interface import implementer

from openprequal.balancing.explanation import nobody
from openprequal.balancing.parameters import NoParameters, read_parameters
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.values import Backend, LoadReport, Outcome, PickReason


class _Ring:
    """The backends of one weight, whose turns go round, and what is owed to them together."""

    __slots__ = ("ids", "owed")

    def __init__(self) -> None:
        self.ids: deque[str] = deque()
        self.owed = 0.0


@implementer(IBalancer, IExplainsPicks)
class RoundRobin:
    """Each backend in its turn; one of weight w gets w turns for one turn of a backend of weight 1.

    Backends of one weight form a ring. Between the rings nginx's smooth weighting decides: every pick each is owed its
    weight, the most owed is chosen and pays the total. So turns are spread evenly, and the cost grows with the number
    of different weights, not with that of backends.
    """

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: there are parameters; it takes none."""
        read_parameters(NoParameters, context.parameters, "round_robin")
        self.pick_counts = {PickReason.ROTATION.value: 0}
        self._backends: dict[str, Backend] = {}
        self._rings: dict[float, _Ring] = {}

    def up(self, backend: Backend) -> None:
        self.down(backend)
        self._backends[backend.id] = backend
        self._rings.setdefault(backend.weight, _Ring()).ids.append(backend.id)

    def down(self, backend: Backend) -> None:
        old = self._backends.pop(backend.id, None)
        if old is None:
            return
        ring = self._rings[old.weight]
        ring.ids.remove(old.id)
        if not ring.ids:
            del self._rings[old.weight]

    def reweighted(self, backend: Backend) -> None:
        old = self._backends.get(backend.id)
        if old is not None and old.weight == backend.weight:
            self._backends[backend.id] = backend
        elif old is not None:
            self.up(backend)

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        total = 0.0
        for weight, ring in self._rings.items():
            share = weight * len(ring.ids)
            ring.owed += share
            total += share
        for ring in sorted(self._rings.values(), key=lambda ring: -ring.owed):
            chosen = self._next(ring, exclude)
            if chosen is not None:
                ring.owed -= total
                self.pick_counts[PickReason.ROTATION] += 1
                return chosen
        # Nobody got it, so nobody is owed for it.
        for weight, ring in self._rings.items():
            ring.owed -= weight * len(ring.ids)
        return None

    def _next(self, ring: _Ring, exclude: Collection[str]) -> Backend | None:
        """The first in the ring that is not excluded; it goes to the end, those passed over keep their turn."""
        ids = ring.ids
        for place, backend_id in enumerate(ids):
            if backend_id not in exclude:
                if place:
                    del ids[place]
                    ids.append(backend_id)
                else:
                    ids.rotate(-1)
                return self._backends[backend_id]
        return None

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""
        owed = {weight: ring.owed + weight * len(ring.ids) for weight, ring in self._rings.items()}
        in_turn = [
            backend_id
            for weight in sorted(self._rings, key=lambda weight: -owed[weight])
            for backend_id in self._rings[weight].ids
            if backend_id not in exclude
        ]
        if not in_turn:
            return nobody("")
        return PickExplanation(
            picked=in_turn[0],
            reason=PickReason.ROTATION.value,
            compares="",
            because="it is its turn; nothing is compared",
            pool=tuple(Considered(id=each) for each in in_turn),
        )

    def started(self, backend: Backend) -> None:
        pass

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        pass

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass
