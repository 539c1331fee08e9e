"""Any backend, as often as its weight says."""

from collections.abc import Collection

from zope.interface import implementer

from openprequal.balancing.explanation import DRAWN, nobody, same_draws
from openprequal.balancing.indexed_set import IndexedSet
from openprequal.balancing.parameters import NoParameters, read_parameters
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.values import Backend, LoadReport, Outcome, PickReason

_TRIES = 32


@implementer(IBalancer, IExplainsPicks)
class RandomChoice:
    """Draws a backend at random, in proportion to the weights; knows nothing of load."""

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: there are parameters; it takes none."""
        read_parameters(NoParameters, context.parameters, "random")
        self.pick_counts = {PickReason.RANDOM.value: 0}
        self._rng = context.rng
        self._ids: IndexedSet[str] = IndexedSet(context.rng.random)
        self._backends: dict[str, Backend] = {}
        # How many are up of each weight: the heaviest is known without looking at all backends.
        self._weights: dict[float, int] = {}
        self._heaviest = 0.0

    def up(self, backend: Backend) -> None:
        self.down(backend)
        self._ids.add(backend.id)
        self._backends[backend.id] = backend
        self._weights[backend.weight] = self._weights.get(backend.weight, 0) + 1
        self._heaviest = max(self._weights)

    def down(self, backend: Backend) -> None:
        old = self._backends.pop(backend.id, None)
        if old is None:
            return
        self._ids.discard(old.id)
        self._weights[old.weight] -= 1
        if not self._weights[old.weight]:
            del self._weights[old.weight]
            self._heaviest = max(self._weights, default=0.0)

    def reweighted(self, backend: Backend) -> None:
        if backend.id in self._backends:
            self.up(backend)

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        chosen = self._draw(exclude)
        if chosen is not None:
            self.pick_counts[PickReason.RANDOM] += 1
        return chosen

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""
        with same_draws(self._rng):
            chosen = self._draw(exclude)
        if chosen is None:
            return nobody("")
        pool = [Considered(id=each.id) for each in self._backends.values() if each.id not in exclude]
        return PickExplanation(
            picked=chosen.id, reason=PickReason.RANDOM.value, compares="", because=DRAWN, pool=tuple(pool)
        )

    def _draw(self, exclude: Collection[str]) -> Backend | None:
        if not self._ids:
            return None
        chosen: Backend | None = None
        # Draw uniformly and accept in proportion to the weight; after some misses, look at everyone.
        for _ in range(_TRIES):
            backend = self._backends[self._ids.draw()]
            accepted = backend.weight >= self._heaviest or self._rng.random() * self._heaviest < backend.weight
            if accepted and backend.id not in exclude:
                chosen = backend
                break
        else:
            left = [each for each in self._backends.values() if each.id not in exclude]
            if left:
                chosen = self._rng.choices(left, [each.weight for each in left])[0]
        return chosen

    def started(self, backend: Backend) -> None:
        pass

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        pass

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass
