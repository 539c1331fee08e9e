"""Who may be picked, in a worker: what its parent's checks say, and what its own traffic tells."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from openprequal.health.monitor import RECHECK_S, HealthMonitor
from openprequal.health.standing import Orders, Standing
from openprequal.values import Backend, LoadState

NEVER: Final = float("inf")


class ToldHealth(HealthMonitor):
    """Checks nothing itself. Failures under traffic eject here, for this worker alone; its parent hears of doubts.

    :ivar doubted: told the id of a backend that is thought to serve and could not be connected to.
    :ivar heard_state: told what a backend said of its own state.
    """

    doubted: Callable[[str], None]
    heard_state: Callable[[str, LoadState], None]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As of :class:`~openprequal.health.monitor.HealthMonitor`."""
        self._doubted_at: dict[str, float] = {}
        self._judgements: dict[str, Mapping[str, Any]] = {}
        self._resolved: set[str] = set()
        self.doubted = lambda backend_id: None
        self.heard_state = lambda backend_id, state: None
        super().__init__(*arguments, **options)

    def left(self, backend: Backend, reason: str) -> None:
        super().left(backend, reason)
        self._doubted_at.pop(backend.id, None)
        self._resolved.discard(backend.id)

    @property
    def settled(self) -> bool:
        """The names of all backends have been looked up, so that those that serve can be connected to."""
        return len(self._resolved) == len(self.standings)

    def forget(self, backend_id: str) -> None:
        """The parent speaks of it no more."""
        self._judgements.pop(backend_id, None)

    def told_state(self, backend: Backend, state: LoadState) -> None:
        standing = self.standings.get(backend.id)
        news = standing is not None and standing.state is not state
        super().told_state(backend, state)
        if news:
            self.heard_state(backend.id, state)

    def judged(self, backend_id: str, told: Mapping[str, Any]) -> None:
        """The parent's verdict on a backend, as :func:`judgement` makes it.

        It counts once we know where the backend is: the parent may have been sooner to look its name up.
        """
        self._judgements[backend_id] = told
        standing = self.standings.get(backend_id)
        if standing is None or backend_id not in self._resolved:
            return
        was_up = standing.checked_up
        orders = Orders(*told["orders"])
        if orders != standing.orders:
            # Whoever was asked for it tells of it.
            standing.orders, standing.noticed = orders, None
        standing.checked, standing.checked_up = bool(told["checked"]), bool(told["up"])
        standing.verdict, standing.state = str(told["verdict"]), LoadState(told["state"])
        if was_up is not standing.checked_up:
            standing.since = self._clock.seconds()
        if was_up and not standing.checked_up:
            # What it said before it went away says nothing of what comes back.
            self._services[standing.backend.service].members[backend_id].report = None
        self._apply(standing)

    def _check(self, standing: Standing) -> None:
        standing.next_check = NEVER
        now, backend_id = self._clock.seconds(), standing.backend.id
        if backend_id not in self._resolved:
            self._resolved.add(backend_id)
            if backend_id in self._judgements:
                self.judged(backend_id, self._judgements[backend_id])
            return
        if standing.checked_up and now - self._doubted_at.get(backend_id, -NEVER) >= RECHECK_S:
            self._doubted_at[backend_id] = now
            self.doubted(backend_id)


def judgement(standing: Standing) -> dict[str, object]:
    """What a parent tells its workers of a backend's checks."""
    return {
        "checked": standing.checked,
        "up": standing.checked_up,
        "verdict": standing.verdict,
        "state": standing.state.value,
        "orders": list(standing.orders),
    }
