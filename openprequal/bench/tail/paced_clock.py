"""How does the simulation's virtual time keep pace with real time?"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from openprequal.simulation.clock import VirtualClock


class PacedClock(VirtualClock):
    """Virtual time that follows the reactor's.

    Everything happens at the moment it was due, as the simulated servers see it, however late the machine was: a late
    turn delays answers, and adds nothing to the work of those after them.
    """

    def __init__(self, reactor: IReactorTime, late: Callable[[float], None]) -> None:
        """:param late: hears by how much, in seconds, what was due first in a turn was late."""
        super().__init__(reactor.seconds())
        self._reactor = reactor
        self._late = late
        self._timer: IDelayedCall | None = None

    def catch_up(self) -> None:
        """Everything due until now happens; now is then the time of whatever is told next."""
        now, due = self._reactor.seconds(), self._due
        if due and due[0][0] <= now:
            self._late(now - due[0][0])
        self.run_until(now)

    def pace(self) -> None:
        """See to it that what is due next happens; to be called when something was added."""
        if not self._due:
            return
        due_s, timer = self._due[0][0], self._timer
        if timer is None or not timer.active():
            self._timer = self._reactor.callLater(max(0.0, due_s - self._reactor.seconds()), self._turn)
        elif due_s < timer.getTime():
            timer.reset(max(0.0, due_s - self._reactor.seconds()))

    def real_s(self) -> float:
        """Real time, which is later than ours within a turn."""
        return self._reactor.seconds()

    def _turn(self) -> None:
        self.catch_up()
        self.pace()
