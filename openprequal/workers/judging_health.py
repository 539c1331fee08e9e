"""Who may be picked, in the parent of workers: it checks for all of them, and says what has changed."""

from collections.abc import Callable, Mapping
from typing import Any

from openprequal.health.monitor import HealthMonitor
from openprequal.health.standing import Standing
from openprequal.values import Backend, LoadState
from openprequal.workers.told_health import judgement


class JudgingHealth(HealthMonitor):
    """Has no traffic of its own, and so checks every backend once an interval.

    :ivar judgements: the last judgement on each backend, by id.
    :ivar judged: told of each that is another.
    :ivar restored: told of backends that an operator wants to be ejected no longer.
    """

    judged: Callable[[str, Mapping[str, object]], None]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As of :class:`~openprequal.health.monitor.HealthMonitor`."""
        self.judgements: dict[str, Mapping[str, object]] = {}
        self.restored: Callable[[str], None] = lambda backend_id: None
        self.judged = lambda backend_id, told: None
        super().__init__(*arguments, **options)

    def left(self, backend: Backend, reason: str) -> None:
        self.judgements.pop(backend.id, None)
        super().left(backend, reason)

    def doubted(self, backend_id: str) -> None:
        """A worker could not connect to it: check now, unless that is being done."""
        standing = self.standings.get(backend_id)
        if standing is not None and standing.checked_up:
            self._check_if_here(standing.backend)

    def told_by_worker(self, backend_id: str, state: str) -> None:
        """A worker heard from a backend how it is."""
        standing = self.standings.get(backend_id)
        if standing is not None:
            self.told_state(standing.backend, LoadState(state))

    def restore(self, standing: Standing) -> bool:
        """Nor do the workers eject it any longer; whether that is news to one of them is not known."""
        super().restore(standing)
        self.restored(standing.backend.id)
        return True

    def _apply(self, standing: Standing) -> None:
        super()._apply(standing)
        told = judgement(standing)
        if self.judgements.get(standing.backend.id) != told:
            self.judgements[standing.backend.id] = told
            self.judged(standing.backend.id, told)
