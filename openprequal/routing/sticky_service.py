"""A service whose sessions stay with their backends: who has one goes there, everybody else where the balancer says."""

from collections import Counter
from typing import Any, Final, Protocol

from openprequal.explanations import PickExplanation
from openprequal.interfaces import IPending, IRequest
from openprequal.routing.limited_service import LimitedService
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.routing.sessions import Sessions
from openprequal.values import Backend, LoadState

SESSION: Final = "session"
"""The reason of picks that were not the balancer's."""


class _Waiting(Protocol):
    request: IRequest

    def slot_free(self) -> None: ...


class StickyService(Service):
    """A :class:`Service` that asks its :class:`~openprequal.routing.sessions.Sessions` before its balancer.

    A session's backend is used if it may be picked, and while it drains, until it has gone. Where it has no room the
    request waits for it, in its place among all that wait. Otherwise the balancer chooses, and who answers has the
    session from then on. The balancer hears of every request, so that its counts are right; only the choice is not its.

    :ivar counts: requests so far: ``kept`` with their backend, ``moved`` to another, or of ``new`` sessions.
    """

    def __init__(self, *arguments: Any, sessions: Sessions, **options: Any) -> None:
        """The others are those of :class:`Service`."""
        super().__init__(*arguments, **options)
        self.counts: Counter[str] = Counter(kept=0, moved=0, new=0)
        self._up: set[str] = set()
        self._kept = False
        """The last pick was not the balancer's."""
        self._awaited: dict[_Waiting, str] = {}
        """Those in the queue that wait for one backend, and for which."""
        self.sessions = self._sessions = sessions

    # Who exists and who may be picked.

    def add(self, member: Member) -> None:
        super().add(member)
        self._sessions.joined(member.backend.id)

    def remove(self, backend: Backend) -> None:
        self._up.discard(backend.id)
        super().remove(backend)
        self._sessions.left(backend.id)
        self._give_up(backend.id)

    def up(self, backend: Backend) -> None:
        self._up.add(backend.id)
        super().up(backend)

    def down(self, backend: Backend) -> None:
        self._up.discard(backend.id)
        super().down(backend)
        member = self.members.get(backend.id)
        if member is None or not _drains(member):
            self._give_up(backend.id)
        elif self._max_in_flight is not None and member.in_flight >= self._max_in_flight:
            self._full.add(backend.id)

    def _give_up(self, backend_id: str) -> None:
        """Let those that wait for it go elsewhere."""
        waiting = [each for each, awaited in self._awaited.items() if awaited == backend_id]
        for each in waiting:
            del self._awaited[each]
        if waiting:
            self._serve_queue(len(self._queue))

    # The way of a request.

    def pick(self, request: IRequest, tried: frozenset[str]) -> Backend | IPending | None:
        """The session's backend, if it has one that can be had; None if it has to wait for that one."""
        sessions = self._sessions
        bound = sessions.backend_of(request)
        if bound is not None and bound not in tried:
            member = self._had(bound)
            if member is not None:
                if bound in self._full:
                    return None
                self.counts["kept"] += 1
                self._kept = True
                return member.backend
        self._kept = False
        picked = super().pick(request, tried)
        if picked is not None and not tried:
            self.counts["new" if bound is None else "moved"] += 1
            if picked.__class__ is Backend:
                sessions.placed(request, picked.id)
        return picked

    def explain(self, request: IRequest, tried: frozenset[str] = frozenset()) -> PickExplanation:
        bound = self._sessions.peek(request)
        if bound is None or bound in tried or self._had(bound) is None:
            return super().explain(request, tried)
        if bound in self._full:
            because = "the backend of its session has no room, and it would wait for that one"
            return PickExplanation(picked=None, reason=None, compares="", because=because)
        because = "its session belongs there; the balancer is not asked"
        return PickExplanation(picked=bound, reason=SESSION, compares="", because=because)

    @property
    def last_reason(self) -> str | None:
        return SESSION if self._kept else super().last_reason

    def _had(self, backend_id: str) -> Member | None:
        """The member of that id if it takes requests of its sessions."""
        member = self.members.get(backend_id)
        return member if member is not None and (backend_id in self._up or _drains(member)) else None

    # Waiting.

    def enqueue(self, waiting: Any) -> bool:
        if not super().enqueue(waiting):
            return False
        self._waits_for_one(waiting)
        return True

    def _waits_for_one(self, waiting: _Waiting) -> bool:
        """Is it its session's backend alone that *waiting* waits for? Remembered until that changes."""
        bound = self._sessions.backend_of(waiting.request)
        if bound is None or bound not in self._full or self._had(bound) is None:
            return False
        self._awaited[waiting] = bound
        return True

    def dequeue(self, waiting: Any) -> None:
        self._awaited.pop(waiting, None)
        super().dequeue(waiting)

    def _serve_queue(self, at_most: int) -> None:
        """As of any service, but who would find no room stays where it is."""
        for waiting in list(self._queue):
            if not at_most:
                return
            awaited = self._awaited.get(waiting)
            if awaited in self._full if awaited is not None else self._up <= self._full:
                continue
            # Another request of its session may have been placed since it came.
            if waiting in self._queue and not self._waits_for_one(waiting):
                self.dequeue(waiting)
                at_most -= 1
                waiting.slot_free()


class LimitedStickyService(LimitedService, StickyService):
    """A sticky service with a limit on all its requests under way."""


def _drains(member: Member) -> bool:
    """Does it say so itself? What it said is forgotten when its checks fail (``health/monitor.py``)."""
    return member.report is not None and member.report.state is LoadState.DRAINING
