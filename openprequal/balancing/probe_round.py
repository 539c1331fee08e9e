"""Who of those asked for one request has answered, and is that enough? A pick that waits, as sync mode makes it."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from zope.interface import implementer

from openprequal.interfaces import IPending
from openprequal.probing.estimate import HELD_BACK, LoadEstimate
from openprequal.values import Backend, LoadReport, LoadState


class Replica:
    """A backend as sync mode sees it.

    :ivar told: it has reported since it is known.
    :ivar absent: its last probe was not answered within the wait: it is asked, but no longer waited for.
    """

    __slots__ = ("absent", "load", "told")

    def __init__(self, load: LoadEstimate) -> None:
        self.load = load
        self.told = False
        self.absent = False


class Candidate(Protocol):
    """What the hot-cold rule looks at: a :class:`~openprequal.probing.estimate.LoadEstimate`, or :class:`AsTold`."""

    id: str
    backend: Backend
    rif: float
    latency_s: float


class AsTold:
    """A report taken as it is, for one request: a backend that has its data in cache tells a load scaled down.

    Everywhere else the RIF used is no less than what we have in flight there (``LoadEstimate``).
    """

    __slots__ = ("backend", "id", "latency_s", "rif")

    def __init__(self, load: LoadEstimate, rif: float, report: LoadReport) -> None:
        self.id = load.id
        self.backend = load.backend
        held_back = HELD_BACK if load.held_back or report.state is LoadState.DRAINING else 0.0
        self.rif = rif / load.backend.weight + held_back
        self.latency_s = load.latency_s if report.latency_s is None else report.latency_s + held_back


@implementer(IPending)
class ProbeRound:
    """The probes for one request, and what came of them.

    Enough is when one at most has yet to answer (section 4 of the paper: wait for d - 1 of d) and two have that are not
    held back: an only answer would be no choice. Who could not be asked, or has answered without a report, is waited
    for no longer.

    :ivar asked: those drawn.
    :ivar exclude: as handed to ``pick``; it may have changed since.
    :ivar waiting_for: those who have yet to answer.
    :ivar over: it is decided, or nobody wants to know any more.
    """

    __slots__ = ("_candidates", "_choices", "asked", "callback", "deadline_s", "exclude", "over", "waiting_for")

    def __init__(self, asked: Sequence[Replica], exclude: Collection[str], deadline_s: float) -> None:
        self.asked = asked
        self.exclude = exclude
        self.deadline_s = deadline_s
        self.callback: Callable[[Backend | None], None] | None = None
        self.over = False
        self.waiting_for = dict.fromkeys(replica for replica in asked if not replica.absent)
        self._candidates: list[tuple[LoadEstimate, Candidate]] = []
        self._choices = 0

    def whenPicked(self, callback: Callable[[Backend | None], None]) -> None:
        """See :class:`~openprequal.interfaces.IPending`."""
        self.callback = callback

    def cancel(self) -> None:
        """See :class:`~openprequal.interfaces.IPending`."""
        self.callback = None
        self.over = True

    def answered(self, replica: Replica, candidate: Candidate | None) -> None:
        """*replica* is no longer waited for; if it may be chosen, *candidate* says how loaded it is."""
        self.waiting_for.pop(replica, None)
        if candidate is not None:
            self._candidates.append((replica.load, candidate))
            self._choices += candidate.rif < HELD_BACK

    @property
    def enough(self) -> bool:
        """True if there is no reason to wait."""
        missing = len(self.waiting_for)
        return not missing or (missing == 1 and self._choices >= 2)

    @property
    def candidates(self) -> list[Candidate]:
        """Whom to choose among: those who answered and may still be picked."""
        return [told for load, told in self._candidates if load.is_up and load.id not in self.exclude]
