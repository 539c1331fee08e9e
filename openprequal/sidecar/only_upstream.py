"""Who is picked where there is one upstream? It, unless this request has tried it."""

from collections.abc import Collection

from zope.interface import implementer

from openprequal.interfaces import IBalancer, IRequest
from openprequal.values import Backend, LoadReport, Outcome, PickReason


@implementer(IBalancer)
class OnlyUpstream:
    """A balancer without a choice; the upstream is always up, because whether it is shows at the connect."""

    def __init__(self) -> None:
        self.pick_counts = {PickReason.ROTATION.value: 0}
        self._upstream: Backend | None = None

    def up(self, backend: Backend) -> None:
        self._upstream = backend

    def down(self, backend: Backend) -> None:
        self._upstream = None

    def reweighted(self, backend: Backend) -> None:
        self._upstream = backend

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        upstream = self._upstream
        if upstream is None or upstream.id in exclude:
            return None
        self.pick_counts["rotation"] += 1
        return upstream

    def started(self, backend: Backend) -> None:
        pass

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        pass

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass
