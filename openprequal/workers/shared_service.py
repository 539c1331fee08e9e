"""A service of one worker whose limits hold for the requests of all workers together.

A kind of its own of each kind of service, so that a gateway of one process pays nothing for it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from openprequal.interfaces import IPending, IRequest
from openprequal.routing.concurrency_limit import FixedLimit
from openprequal.routing.limited_service import LimitedService
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.routing.sticky_service import LimitedStickyService, StickyService
from openprequal.values import Backend, Outcome
from openprequal.workers.counts import OwnCounts

TICK_S: Final = 0.05
"""How old is at most what this worker's balancers know of the others' requests."""


class SharedService(Service):
    """Counts its requests where the other workers see it, and theirs in.

    The last place at a backend may be taken by several workers in the same microseconds: a limit can be exceeded by one
    request for each other worker. A place that becomes free at another worker is noticed with the next :meth:`look`.
    """

    shared: OwnCounts
    own: memoryview
    """This worker's row of it. Both are set right after it is made."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As of the kind of service that it is."""
        super().__init__(*arguments, **options)
        self._cells: dict[Member, int] = {}
        self._told: dict[Member, int] = {}
        """What the balancer was last told of the other workers' requests."""
        self._told_balancer: object = None

    def add(self, member: Member) -> None:
        cell = self.shared.cell_of(member.backend.id)
        if cell is not None:
            self._cells[member] = cell
        super().add(member)

    def remove(self, backend: Backend) -> None:
        member = self.members.get(backend.id)
        if member is not None:
            self._told.pop(member, None)
            if not member.in_flight:
                self._cells.pop(member, None)
        super().remove(backend)

    def in_flight_everywhere(self, member: Member) -> int:
        """What all workers have outstanding there."""
        cell = self._cells.get(member)
        return member.in_flight + (self.shared.elsewhere(cell) if cell is not None else 0)

    def pick(self, request: IRequest, tried: frozenset[str]) -> Backend | IPending | None:
        while True:
            picked = super().pick(request, tried)
            if self._max_in_flight is None or picked.__class__ is not Backend or self.has_room(picked):
                return picked

    def has_room(self, backend: Backend) -> bool:
        """As of any service, looking at what all workers do; whoever is full is remembered as that."""
        if not super().has_room(backend):
            return False
        member, most = self.members.get(backend.id), self._max_in_flight
        if member is None or most is None or self.in_flight_everywhere(member) < most:
            return True
        self._full.add(backend.id)
        return False

    def assign(self, member: Member) -> None:
        cell = self._cells.get(member)
        if cell is not None:
            self.own[cell] += 1
        super().assign(member)

    def free(self, member: Member, outcome: Outcome) -> None:
        cell = self._cells.get(member)
        if cell is not None:
            self.own[cell] -= 1
            if member.in_flight == 1 and self.members.get(member.backend.id) is not member:
                del self._cells[member]
            elif self._full:
                self._look_at(member, cell, member.in_flight - 1)
        super().free(member, outcome)

    def look(self) -> None:
        """Called every :data:`TICK_S`: take in what the other workers have begun and ended."""
        balancer = self.balancer
        if balancer is not self._told_balancer:
            self._told_balancer = balancer
            self._told.clear()
        tell: Callable[[Backend, int], None] | None = getattr(balancer, "elsewhere", None)
        elsewhere, told = self.shared.elsewhere, self._told
        for member, cell in self._cells.items():
            if self.members.get(member.backend.id) is not member:
                continue  # it has left, and what is under way there goes on
            count = elsewhere(cell)
            if tell is not None and told.get(member, 0) != count:
                told[member] = count
                tell(member.backend, count)
            if self._max_in_flight is not None:
                self._look_at(member, cell, member.in_flight)
        if self._queue:
            self._serve_queue(len(self._queue))

    def _look_at(self, member: Member, cell: int, in_flight: int) -> None:
        """Is *member*, with so many requests of ours, still full?"""
        backend_id, most = member.backend.id, self._max_in_flight
        if backend_id in self._full and (most is None or in_flight + self.shared.elsewhere(cell) < most):
            self._full.discard(backend_id)


class _Shared(SharedService, Service):
    pass


class _SharedSticky(SharedService, StickyService):
    pass


class _SharedLimited(SharedService, LimitedService):
    """Its own requests are counted together too, because they have a limit together."""

    @property
    def most(self) -> int:
        return self.limit.most if isinstance(self.limit, SharedLimit) else self.limit.allowed

    def assign(self, member: Member) -> None:
        super().assign(member)
        self._count()

    def free(self, member: Member, outcome: Outcome) -> None:
        super().free(member, outcome)
        self._count()

    def _count(self) -> None:
        cell = self.shared.cell_of(self.name)
        if cell is not None:
            self.shared.own[cell] = self.in_flight


class _SharedLimitedSticky(_SharedLimited, LimitedStickyService):
    pass


_KINDS: Final[Mapping[type[Service], type[SharedService]]] = {
    Service: _Shared,
    StickyService: _SharedSticky,
    LimitedService: _SharedLimited,
    LimitedStickyService: _SharedLimitedSticky,
}


class SharedLimit:
    """A fixed limit on a service's requests, of which other workers may use a part."""

    def __init__(self, most: int, service: str, counts: OwnCounts) -> None:
        self.most = most
        self._service = service
        self._counts = counts

    @property
    def allowed(self) -> int:
        """What the others leave for this worker."""
        cell = self._counts.cell_of(self._service)
        return self.most if cell is None else self.most - self._counts.elsewhere(cell)

    def finished(self, outcome: Outcome) -> None:
        """See :class:`~openprequal.routing.concurrency_limit.ConcurrencyLimit`."""

    def tick(self, now: float, *, reached: bool) -> None:
        """See :class:`~openprequal.routing.concurrency_limit.ConcurrencyLimit`."""


class SharedKinds:
    """Makes services of a worker: of the kind that is asked for, and shared."""

    def __init__(self, counts: OwnCounts) -> None:
        self._counts = counts

    def kind(self, kind: type[Service]) -> Callable[..., Service]:
        """What makes a service of *kind*."""
        shared = _KINDS[kind]

        def make(*arguments: Any, **options: Any) -> Service:
            limit = options.get("limit")
            if isinstance(limit, FixedLimit):
                options["limit"] = SharedLimit(limit.allowed, str(arguments[0]), self._counts)
            service = shared(*arguments, **options)
            service.shared, service.own = self._counts, self._counts.own
            return service

        return make
