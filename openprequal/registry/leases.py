"""Leases: who has been silent for too long?"""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from openprequal.clocks import Periodic
from openprequal.values import Backend

SWEEP_S = 0.5
"""How often the leases are looked through: the most that a lease is ended late, in seconds."""


def lease_timeout_s(backend: Backend, heartbeat_timeout_s: float | None) -> float | None:
    """Seconds of silence after which *backend* is removed; None if it holds no lease.

    :param heartbeat_timeout_s: the configured time-out; None: twice the backend's own ``heartbeat_seconds``.
    """
    if backend.heartbeat_seconds is None:
        return None
    return 2 * backend.heartbeat_seconds if heartbeat_timeout_s is None else heartbeat_timeout_s


class Leases:
    """Deadlines by backend id, looked through by one :class:`~openprequal.clocks.Periodic`.

    Leases of one length end in the order of their renewal, so a queue for each length keeps them sorted for free, and
    looking through them touches only those that end: ten thousand backends with the usual heartbeat are one queue.
    """

    def __init__(
        self, clock: IReactorTime, heartbeat_timeout_s: float | None, expired: Callable[[str, str], object]
    ) -> None:
        """
        :param heartbeat_timeout_s: as in :func:`lease_timeout_s`.
        :param expired: called with the backend's id and a reason for people, once the lease is gone.
        """
        self._clock = clock
        self._heartbeat_timeout_s = heartbeat_timeout_s
        self._expired = expired
        self._deadlines_by_length: dict[float, dict[str, float]] = {}
        self._lengths: dict[str, float] = {}
        self._sweep = Periodic(clock, SWEEP_S, self.reap, "lease sweep")

    def __len__(self) -> int:
        return len(self._lengths)

    def start(self) -> None:
        """Begin to look for silent backends."""
        self._sweep.start()

    def stop(self) -> None:
        """End; leases are kept, none expires."""
        self._sweep.stop()

    def renew(self, backend: Backend) -> None:
        """*backend* spoke now: its lease starts anew, or ends if it is now registered by hand."""
        self.end(backend.id)
        length_s = lease_timeout_s(backend, self._heartbeat_timeout_s)
        if length_s is None:
            return
        self._lengths[backend.id] = length_s
        self._deadlines_by_length.setdefault(length_s, {})[backend.id] = self._clock.seconds() + length_s

    def end(self, backend_id: str) -> None:
        """It holds no lease any more; harmless if it held none."""
        length_s = self._lengths.pop(backend_id, None)
        if length_s is None:
            return
        deadlines = self._deadlines_by_length[length_s]
        del deadlines[backend_id]
        if not deadlines:
            del self._deadlines_by_length[length_s]

    def reap(self) -> None:
        """End every lease whose backend has been silent for its length."""
        now = self._clock.seconds()
        overdue: list[tuple[str, float]] = []
        for length_s, deadlines in self._deadlines_by_length.items():
            for backend_id, deadline in deadlines.items():
                if deadline > now:
                    break
                overdue.append((backend_id, length_s))
        # All are ended before anyone is told: whoever is told may register one of them again.
        for backend_id, _ in overdue:
            self.end(backend_id)
        for backend_id, length_s in overdue:
            if backend_id not in self._lengths:
                self._expired(backend_id, f"silent for {length_s:g} s")
