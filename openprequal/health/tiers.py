"""Tiers: whose turn is it, by priority and zone, while enough of those before them are healthy?"""

from openprequal.health.standing import Standing
from openprequal.values import Backend

Tier = tuple[int, int]
"""Priority, and 0 near or 1 far: the lowest comes first."""


class _Count:
    __slots__ = ("healthy", "members")

    def __init__(self) -> None:
        self.members = 0
        self.healthy = 0


class Tiers:
    """The backends of one service by priority, and within a priority the gateway's own zone before the others.

    The first tier is used; the next one too where less than a share of a tier may be picked, and so on. One that
    drains, or is not checked yet, does not count.
    """

    def __init__(self, zone: str | None, enough: float) -> None:
        """
        :param zone: the gateway's own; None: all are near. So is a backend that names none.
        :param enough: share of a tier that must be healthy, above 0.
        """
        self._zone = zone
        self._enough = enough
        self._counts: dict[Tier, _Count] = {}
        self._noted: dict[str, tuple[Tier, bool]] = {}
        self._last: Tier | None = None

    def configure(self, enough: float) -> bool:
        """As at the beginning; True if it is now other tiers' turn."""
        self._enough = enough
        return self._look()

    def tier_of(self, backend: Backend) -> Tier:
        """Where it belongs."""
        far = self._zone is not None and backend.zone is not None and backend.zone != self._zone
        return backend.priority, int(far)

    def uses(self, backend: Backend) -> bool:
        """Is it its turn?"""
        return self._last is None or self.tier_of(backend) <= self._last

    def note(self, standing: Standing) -> bool:
        """Its standing may be another; True if it is now other tiers' turn."""
        self._forget(standing.backend.id)
        if standing.checked and not standing.drains:
            tier, healthy = self.tier_of(standing.backend), standing.pickable
            self._noted[standing.backend.id] = tier, healthy
            count = self._counts.setdefault(tier, _Count())
            count.members += 1
            count.healthy += healthy
        return self._look()

    def left(self, backend_id: str) -> bool:
        """It exists no more; True if it is now other tiers' turn."""
        self._forget(backend_id)
        return self._look()

    def _forget(self, backend_id: str) -> None:
        noted = self._noted.pop(backend_id, None)
        if noted is not None:
            tier, healthy = noted
            count = self._counts[tier]
            count.members -= 1
            count.healthy -= healthy
            if not count.members:
                del self._counts[tier]

    def _look(self) -> bool:
        before, self._last = self._last, None
        for tier, count in sorted(self._counts.items()):
            self._last = tier
            if count.healthy and count.healthy >= self._enough * count.members:
                break
        return before != self._last
