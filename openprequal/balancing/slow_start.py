"""How is a backend spared that joins others, where the balancer does not see how loaded it is?

It is told of it with a smaller weight, which grows: whatever the balancer does with weights, a newcomer gets less.
Balancers with probes have a rule of their own (:mod:`~openprequal.balancing.candidates`), to the same effect.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

from attrs import evolve
from twisted.internet.interfaces import IReactorTime
from zope.interface import alsoProvides, implementer

from openprequal.interfaces import IBalancer, IExplainsPicks, IPending, IRequest
from openprequal.values import Backend, LoadReport, LoadState, Outcome

COLDEST: Final = 5.0
"""At first it counts for this many times less."""
WARMING: Final = 2.0
"""And for as long as it says of itself that it warms up, for this many times less at least."""


@implementer(IBalancer)
class SlowStart:
    """*balancer*, with newcomers spared; what it does for a request is its own, at no further cost."""

    tick_interval_s = 0.25
    pick: Callable[[IRequest, Collection[str]], Backend | IPending | None]
    started: Callable[[Backend], None]
    finished: Callable[[Backend, Outcome], None]

    def __init__(self, clock: IReactorTime, balancer: IBalancer, seconds: float) -> None:
        """:param seconds: how long one that joins is spared."""
        self._clock = clock
        self.wrapped = balancer
        self._balancer = balancer
        self._seconds = seconds
        self._up: dict[str, Backend] = {}
        self._since_s = 0.0
        self._joined_s: dict[str, float] = {}
        """When, of those that are spared."""
        self._says_warming: set[str] = set()
        self.pick = balancer.pick
        self.started = balancer.started
        self.finished = balancer.finished
        self.pick_counts = balancer.pick_counts
        if IExplainsPicks.providedBy(balancer):
            alsoProvides(self, IExplainsPicks)

    def __getattr__(self, name: str) -> Any:
        # What some balancers have and others have not, for people to look at.
        return getattr(self._balancer, name)

    def up(self, backend: Backend) -> None:
        """See :class:`~openprequal.interfaces.IBalancer`."""
        now = self._clock.seconds()
        # Those there are may be as new: then nobody has to be spared for another's sake.
        if not self._up:
            self._since_s = now
        elif now - self._since_s > self._seconds:
            self._joined_s[backend.id] = now
        self._up[backend.id] = backend
        self._balancer.up(self._spared(backend, now))

    def down(self, backend: Backend) -> None:
        """See :class:`~openprequal.interfaces.IBalancer`."""
        self._up.pop(backend.id, None)
        self._joined_s.pop(backend.id, None)
        self._says_warming.discard(backend.id)
        self._balancer.down(backend)

    def reweighted(self, backend: Backend) -> None:
        """See :class:`~openprequal.interfaces.IBalancer`."""
        if backend.id in self._up:
            self._up[backend.id] = backend
        self._balancer.reweighted(self._spared(backend, self._clock.seconds()))

    def reported(self, backend: Backend, report: LoadReport) -> None:
        """See :class:`~openprequal.interfaces.IBalancer`."""
        if (report.state is LoadState.WARMING) is not (backend.id in self._says_warming) and backend.id in self._up:
            self._says_warming ^= {backend.id}
            self.reweighted(self._up[backend.id])
        self._balancer.reported(backend, report)

    def tick(self) -> None:
        """Called every :attr:`tick_interval_s`: they are a little warmer."""
        now = self._clock.seconds()
        for backend_id, joined_s in list(self._joined_s.items()):
            if now - joined_s >= self._seconds:
                del self._joined_s[backend_id]
            self._balancer.reweighted(self._spared(self._up[backend_id], now))

    def _spared(self, backend: Backend, now: float) -> Backend:
        """*backend* as the balancer is told of it."""
        cold = WARMING if backend.id in self._says_warming else 1.0
        joined_s = self._joined_s.get(backend.id)
        if joined_s is not None:
            cold = max(cold, COLDEST ** (1.0 - (now - joined_s) / self._seconds))
        return backend if cold <= 1.0 else evolve(backend, weight=backend.weight / cold)
