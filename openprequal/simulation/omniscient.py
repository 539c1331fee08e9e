"""The limit: where would a request go if everything were known?"""

from collections.abc import Collection, Mapping

from zope.interface import implementer

from openprequal.interfaces import BalancerContext, IBalancer, IRequest
from openprequal.simulation.replica import Replica
from openprequal.values import Backend, LoadReport, Outcome, PickReason


@implementer(IBalancer)
class Omniscient:
    """Joins the server with the highest true speed for a job after it has joined, requests under way counted.

    Nobody can run it: it sees the true queues and speeds of all servers and what all proxies have sent there. It is
    greedy, so not quite the best that could be done.
    """

    def __init__(self, context: BalancerContext, replicas: Mapping[str, Replica]) -> None:
        self.pick_counts = {PickReason.COLD.value: 0}
        self._rng = context.rng
        self._replicas = replicas
        self._up: dict[str, Backend] = {}

    def up(self, backend: Backend) -> None:
        self._up[backend.id] = backend

    def down(self, backend: Backend) -> None:
        self._up.pop(backend.id, None)

    def reweighted(self, backend: Backend) -> None:
        if backend.id in self._up:
            self._up[backend.id] = backend

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        best: list[Backend] = []
        best_speed = -1.0
        for backend in self._up.values():
            replica = self._replicas[backend.id]
            serving = replica.serving
            speed = serving.speed * min(1.0, serving.cores / (replica.expected + 1)) * (1.0 - replica.fails)
            if backend.id in exclude or speed < best_speed:
                continue
            if speed > best_speed:
                best_speed, best = speed, []
            best.append(backend)
        if not best:
            return None
        self.pick_counts[PickReason.COLD] += 1
        return best[int(self._rng.random() * len(best))]

    def started(self, backend: Backend) -> None:
        pass

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        pass

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass
