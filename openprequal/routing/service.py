"""A service: its members, its balancer, and who of the members has room."""

from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Final

from twisted.logger import Logger

from openprequal.explanations import PickExplanation
from openprequal.interfaces import IBalancer, IPending, IRequest
from openprequal.metrics.tally import RequestTally
from openprequal.probing.report_reader import ReportReader
from openprequal.routing.lateness import Lateness
from openprequal.routing.member import Member
from openprequal.routing.retry_budget import RetryBudget
from openprequal.routing.sessions import Sessions
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome, ReportFormat, ReportWay

log = Logger()

_RESPONSE: Final = Ending.RESPONSE
_NOBODY: Final[frozenset[str]] = frozenset()


def explained_by(balancer: IBalancer, request: IRequest, exclude: Collection[str]) -> PickExplanation:
    """What *balancer* says of a pick, if it says anything; that it fails is its own affair, not the request's."""
    asked: Any = balancer
    explain = getattr(asked, "explain", None)
    if explain is None:
        return PickExplanation(picked=None, reason=None, compares="", because="its balancer does not say")
    try:
        explained: PickExplanation = explain(request, exclude)
    except Exception:
        log.failure("{kind} has failed to explain a pick", kind=type(balancer).__name__)
        return PickExplanation(picked=None, reason=None, compares="", because="its balancer has failed to say")
    return explained


class Service:
    """A named set of backends and the balancer that chooses among them.

    Picking, assigning and freeing a member go through here, so that in-flight counts have one owner: every
    :meth:`assign` is followed by exactly one :meth:`free`.
    """

    def __init__(
        self,
        name: str,
        balancer: IBalancer,
        *,
        max_in_flight: int | None = None,
        queue_max: int = 0,
        reports: ReportReader | None = None,
        retry_share: float = 0.2,
    ) -> None:
        """
        :param max_in_flight: requests outstanding at one backend at most; None: no limit.
        :param queue_max: requests that may wait for a free backend.
        :param reports: reads its backends' load reports; None: in every format.
        :param retry_share: of its requests that may be sent again.
        """
        self.name = name
        self.balancer = balancer
        self.tally = RequestTally(name)
        self.retry_budget = RetryBudget(retry_share, lambda: self.tally.total)
        self.reports = ReportReader() if reports is None else reports
        self.members: dict[str, Member] = {}
        self._leaving: list[Member] = []
        self.state_told: Callable[[Backend, LoadState], None] = lambda backend, state: None
        """Hears what backends say of their own state, whenever it is not that all is well."""
        self.failed: Callable[[Member, Outcome], None] = lambda member, outcome: None
        """Hears of attempts that ended otherwise than with a response below 500."""
        self.departed: Callable[[Backend], None] = lambda backend: None
        """Hears of backends that have left."""
        self.lateness: Lateness | None = None
        """Tells requests when to ask a second backend; None: none does."""
        self.sessions: Sessions | None = None
        """Which requests belong to whom (``sticky_service``); None: there are no sessions."""
        self._max_in_flight = max_in_flight
        self._full: set[str] = set()
        self._queue: deque[Any] = deque()
        self._queue_max = queue_max

    # Who exists and who may be picked; called by health/.

    def add(self, member: Member) -> None:
        """A backend has joined; it may not be picked before :meth:`up`."""
        self.members[member.backend.id] = member

    def remove(self, backend: Backend) -> None:
        """A backend has left; requests under way to it go on."""
        self.balancer.down(backend)
        member = self.members.pop(backend.id, None)
        self._full.discard(backend.id)
        if member is not None:
            self._leaving = [one for one in (*self._leaving, member) if one.in_flight]
            member.connections.close()
            member.probe_connections.close()
            self.departed(backend)

    def up(self, backend: Backend) -> None:
        """*backend* may be picked."""
        self.balancer.up(backend)
        member = self.members.get(backend.id)
        if member is not None and self._max_in_flight is not None and member.in_flight >= self._max_in_flight:
            self._full.add(backend.id)
        self._serve_queue(len(self._queue))

    def down(self, backend: Backend) -> None:
        """*backend* may not be picked; nor is it one that somebody could wait for."""
        self.balancer.down(backend)
        self._full.discard(backend.id)

    def replace(self, backend: Backend) -> None:
        """*backend* was registered again with other particulars under the same id."""
        self.members[backend.id].backend = backend

    # Other settings while requests are under way.

    def rebalance(self, balancer: IBalancer, up: Collection[Backend], reports: ReportReader) -> None:
        """Choose by *balancer* from now on.

        It is told of every request under way, so that it hears of each one's end as of those it chose for itself; the
        former one hears nothing any more.

        :param up: those that may be picked.
        :param reports: reads the backends' load reports.
        """
        for backend in up:
            balancer.up(backend)
        for member in (*self.members.values(), *self._leaving):
            for _ in range(member.in_flight):
                balancer.started(member.backend)
        self.balancer = balancer
        self.reports = reports

    def set_limits(self, up: Collection[Backend], *, max_in_flight: int | None, queue_max: int) -> None:
        """As at the beginning; what is beyond a limit now ends as it would have.

        :param up: those that may be picked.
        """
        self._max_in_flight = max_in_flight
        self._queue_max = queue_max
        self._full = {
            backend.id
            for backend in up
            if max_in_flight is not None and self.members[backend.id].in_flight >= max_in_flight
        }
        self._serve_queue(len(self._queue))

    # The way of a request.

    def pick(self, request: IRequest, tried: frozenset[str]) -> Backend | IPending | None:
        """The backend *request* should go to, none of *tried* and none that is full.

        One that comes later (:class:`~openprequal.interfaces.IPending`) may be full by then: see :meth:`has_room`.
        """
        return self.balancer.pick(request, tried | self._full if tried and self._full else tried or self._full)

    def explain(self, request: IRequest, tried: frozenset[str] = _NOBODY) -> PickExplanation:
        """Whom :meth:`pick` would give now, and why; nothing is changed by it. Not for the hot path."""
        return explained_by(self.balancer, request, tried | self._full)

    @property
    def last_reason(self) -> str | None:
        """Why the last pick fell as it did: a :class:`~openprequal.values.PickReason`; None: the balancer is silent."""
        balancer: Any = self.balancer
        reason: str | None = getattr(balancer, "last_reason", None)
        if reason is None and len(balancer.pick_counts) == 1:
            (reason,) = balancer.pick_counts
        return reason

    @property
    def saturated(self) -> bool:
        """True if some member would be picked but for its limit."""
        return bool(self._full)

    def in_flight_at(self, backend: Backend) -> int:
        """What this gateway has outstanding at *backend*; 0 if it is no member."""
        member = self.members.get(backend.id)
        return member.in_flight if member is not None else 0

    @property
    def full(self) -> Collection[str]:
        """Ids of those that have no room."""
        return self._full

    def has_room(self, backend: Backend) -> bool:
        """True if *backend* is below its limit."""
        return backend.id not in self._full

    def assign(self, member: Member) -> None:
        """A request now goes to *member*."""
        member.picks += 1
        member.in_flight += 1
        if member.in_flight == self._max_in_flight:
            self._full.add(member.backend.id)
        self.balancer.started(member.backend)

    def free(self, member: Member, outcome: Outcome) -> None:
        """A request assigned to *member* has ended."""
        # Not if it has left meanwhile: another member may bear its id now, and be full.
        if member.in_flight == self._max_in_flight and self.members.get(member.backend.id) is member:
            self._full.discard(member.backend.id)
        member.in_flight -= 1
        self.balancer.finished(member.backend, outcome)
        if outcome.ending is not _RESPONSE or (outcome.status or 0) >= 500:
            self.failed(member, outcome)
        if self._queue:
            self._serve_queue(1)

    def reported(self, member: Member, report: LoadReport, now: float, way: ReportWay = ReportWay.IN_BAND) -> None:
        """*member* told its load, on a response or with a heartbeat."""
        self.noted(member, report, now, way)
        self.balancer.reported(member.backend, report)

    def noted(self, member: Member, report: LoadReport, now: float, way: ReportWay) -> None:
        """Remember *report*, of which the balancer hears in another way."""
        before = member.report
        if report.format is not ReportFormat.OPENPREQUAL and before is not None:
            # Only ours tells the state: what another format cannot say takes nothing back.
            report = report._replace(state=before.state)
        member.report = report
        member.reported_at = now
        member.report_way = way
        if report.state is not LoadState.READY or (before is not None and before.state is not LoadState.READY):
            self.state_told(member.backend, report.state)

    # Waiting for a slot. The queue is the service's, never one backend's, so that whoever frees first serves.

    def enqueue(self, waiting: Any) -> bool:
        """Let *waiting* (something with ``slot_free()``) wait for a slot; False if the queue is full."""
        if len(self._queue) >= self._queue_max:
            return False
        self._queue.append(waiting)
        return True

    def dequeue(self, waiting: Any) -> None:
        """*waiting* waits no longer. Harmless if it does not wait."""
        if waiting in self._queue:
            self._queue.remove(waiting)

    def pass_on(self) -> None:
        """A request whose pick was pending is gone: the place it was to take may be another's."""
        if self._queue:
            self._serve_queue(1)

    @property
    def queued(self) -> int:
        return len(self._queue)

    def _serve_queue(self, at_most: int) -> None:
        for _ in range(min(at_most, len(self._queue))):
            self._queue.popleft().slot_free()
