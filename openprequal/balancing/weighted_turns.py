"""Whose turn is it, where weights change all the time?"""

from collections.abc import Callable, Collection, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from typing import Generic, TypeVar

from openprequal.balancing.in_flight_counts import Counted
from openprequal.values import Backend


class Turned(Counted):
    """A backend with its next turn."""

    __slots__ = ("due", "entry", "interval")

    def __init__(self, backend: Backend) -> None:
        self.due = 0.0
        self.interval = 1.0
        """Between its turns, in the time of the turns: 1 / weight."""
        self.entry = -1
        """Marks its one valid entry in the heap; -1: it has no turns."""
        super().__init__(backend)


Member = TypeVar("Member", bound=Turned)


class WeightedTurns(Generic[Member]):
    """Earliest deadline first, as in Envoy: who had a turn has the next after 1 / weight, the earliest is next.

    O(log n) a turn, evenly spread. The first turn of each is at random within its interval, so that several processes
    do not go round in step.
    """

    __slots__ = ("_entries", "_heap", "_members", "_now", "_random")

    def __init__(self, random: Callable[[], float]) -> None:
        """:param random: uniform in [0, 1)."""
        self._random = random
        self._members: dict[str, Member] = {}
        self._heap: list[tuple[float, int, Member]] = []
        self._entries = 0
        self._now = 0.0

    def add(self, member: Member, weight: float) -> None:
        """It has turns from now on; if it had, they are as many as *weight* says from now on."""
        known = member.entry >= 0
        left = (member.due - self._now) / member.interval if known else self._random()
        member.interval = 1.0 / weight
        member.due = self._now + left * member.interval
        member.entry = self._entries = self._entries + 1
        self._members[member.id] = member
        if len(self._heap) > 64 + 2 * len(self._members):
            self._heap = [entry for entry in self._heap if entry[2].entry == entry[1]]
            heapify(self._heap)
        heappush(self._heap, (member.due, member.entry, member))

    def discard(self, member: Member) -> None:
        """It has no more turns. Harmless if it had none."""
        if self._members.pop(member.id, None) is not None:
            member.entry = -1

    def reweigh(self, weight_of: Callable[[Member], float]) -> None:
        """All weights may have changed; what each still has to wait changes with them. O(n)."""
        now, self._now = self._now, 0.0
        for member in self._members.values():
            interval = 1.0 / weight_of(member)
            member.due = (member.due - now) * interval / member.interval
            member.interval = interval
        self._heap = [(member.due, member.entry, member) for member in self._members.values()]
        heapify(self._heap)

    def foresee(self, exclude: Collection[str]) -> Sequence[Member]:
        """Those that are not excluded, in the order of their next turns; nothing is changed by it. O(n log n)."""
        left = [member for member in self._members.values() if member.id not in exclude]
        return sorted(left, key=lambda member: (member.due, member.entry))

    def next(self, exclude: Collection[str]) -> Member | None:
        """Who has the next turn; those excluded keep theirs, but do not save up more than one."""
        heap = self._heap
        passed: list[tuple[float, int, Member]] = []
        chosen: Member | None = None
        while heap:
            due, entry, member = heap[0]
            if member.entry != entry:
                heappop(heap)
            elif member.id in exclude:
                passed.append(heappop(heap))
            else:
                chosen = member
                if due > self._now:
                    self._now = due
                member.due = self._now + member.interval
                heapreplace(heap, (member.due, entry, member))
                break
        for each in passed:
            heappush(heap, each)
        return chosen
