"""Which changes are events, and in which words are they told?"""

from collections.abc import Sequence
from typing import Final

from zope.interface import implementer

from openprequal.events.ring import EventRing, Kind
from openprequal.health.standing import Condition, Standing
from openprequal.interfaces import IMembershipObserver
from openprequal.values import Backend

_TURNED_INTO: Final = {
    Condition.DOWN: Kind.DOWN,
    Condition.STANDBY: Kind.STANDBY,
    Condition.EJECTED: Kind.EJECTED,
    Condition.PANIC: Kind.PANIC,
    Condition.DRAINING: Kind.DRAINED,
}
_BACK_FROM: Final = {
    Condition.EJECTED: Kind.RESTORED,
    Condition.PANIC: Kind.RESTORED,
    Condition.DRAINING: Kind.UNDRAINED,
}


@implementer(IMembershipObserver)
class Recorder:
    """Puts into the ring what registry, health, reload and operators do."""

    def __init__(self, ring: EventRing) -> None:
        self._ring = ring

    # Who exists: see IMembershipObserver.

    def joined(self, backend: Backend) -> None:
        every_s = backend.heartbeat_seconds
        self._of(backend, Kind.JOINED, "without heartbeat" if every_s is None else f"heartbeat every {every_s:g} s")

    def changed(self, old: Backend, new: Backend) -> None:
        self._of(new, Kind.CHANGED, "registered with other particulars")

    def left(self, backend: Backend, reason: str) -> None:
        self._of(backend, Kind.LEFT, reason)

    # Who may be picked.

    def turned(self, standing: Standing, before: Condition) -> None:
        """Its condition is another than *before*; see ``HealthMonitor.turned``."""
        now = standing.condition
        if now is Condition.UP:
            self._of(standing.backend, _BACK_FROM.get(before, Kind.UP), standing.reason)
        elif now in _TURNED_INTO:
            self._of(standing.backend, _TURNED_INTO[now], standing.reason)

    def ordered(self, standing: Standing, kind: Kind, by: str) -> None:
        """An operator wanted it so."""
        backend = standing.backend
        self._ring.add(kind, f"{kind} by {by}", service=backend.service, backend=backend.url, by=by)

    # What holds for a service, or for all.

    def rebalanced(self, service: str, balancer: str, by: str) -> None:
        """*service* has another balancer."""
        self._ring.add(Kind.BALANCER, f"the balancer is {balancer} now", service=service, by=by)

    def reloaded(self, names: Sequence[str], by: str) -> None:
        """The settings were read again, and *names* of them have changed."""
        self._ring.add(Kind.RELOADED, f"settings reloaded: {', '.join(names) or 'nothing has changed'}", by=by)

    def not_reloaded(self, reason: str, by: str) -> None:
        """They were, but nothing has changed."""
        self._ring.add(Kind.NOT_RELOADED, f"settings not reloaded, nothing has changed: {reason}", by=by)

    def certificate(self, message: str) -> None:
        """A file of certificates has changed."""
        self._ring.add(Kind.CERTIFICATE, message)

    def _of(self, backend: Backend, kind: Kind, message: str) -> None:
        self._ring.add(kind, message, service=backend.service, backend=backend.url)
