"""Who has the least load of all, and who is next among equals?"""

from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush
from typing import Generic

from openprequal.balancing.ranked import Candidate


class LeastLoad(Generic[Candidate]):
    """The candidates on one shelf for each load that occurs, and the loads in a heap.

    Ties go to the nearest in cyclic order after the last choice, as nginx, HAProxy and Envoy's full scan have it
    (Prequal paper, section 5.2), without the scan: a change of load moves one candidate from shelf to shelf, a choice
    looks at the first shelf that is not empty. A shelf is a number with a bit for each place, so that the next place
    after another is found by a few operations on it: 10,000 candidates cost a microsecond more than ten.
    """

    __slots__ = ("_candidates", "_count", "_free", "_last", "_loads", "_shelves")

    def __init__(self) -> None:
        self._candidates: list[Candidate | None] = []
        self._free: list[int] = []
        self._count = 0
        self._shelves: dict[float, int] = {}
        self._loads: list[float] = []
        """A heap of the shelves' loads, each once; empty shelves leave when a choice comes upon them."""
        self._last = -1

    def add(self, candidate: Candidate) -> None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`."""
        if candidate.place >= 0:
            self.moved(candidate)
            return
        if self._free:
            candidate.place = heappop(self._free)
            self._candidates[candidate.place] = candidate
        else:
            candidate.place = len(self._candidates)
            self._candidates.append(candidate)
        self._count += 1
        self._file(candidate, 1 << candidate.place)

    def discard(self, candidate: Candidate) -> None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`."""
        place = candidate.place
        if place < 0:
            return
        self._shelves[candidate.filed] ^= 1 << place
        self._candidates[place] = None
        heappush(self._free, place)
        self._count -= 1
        candidate.place = -1

    def moved(self, candidate: Candidate) -> None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`."""
        place = candidate.place
        if place >= 0 and candidate.load != candidate.filed:
            bit = 1 << place
            self._shelves[candidate.filed] ^= bit
            self._file(candidate, bit)

    def choose(self, exclude: Collection[str]) -> Candidate | None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`."""
        loads, shelves = self._loads, self._shelves
        passed: list[float] = []
        chosen: Candidate | None = None
        while loads:
            shelf = shelves[loads[0]]
            if not shelf:
                del shelves[heappop(loads)]
                continue
            chosen = self._next(shelf, exclude)
            if chosen is not None:
                self._last = chosen.place
                break
            # All at this load are excluded: set it aside.
            passed.append(heappop(loads))
        for load in passed:
            heappush(loads, load)
        return chosen

    def foresee(self, exclude: Collection[str]) -> Sequence[Candidate]:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`."""
        free = [each for each in self._candidates if each is not None and each.id not in exclude]
        first, size = self._last + 1, len(self._candidates)
        return sorted(free, key=lambda each: (each.filed, (each.place - first) % size))

    def _next(self, shelf: int, exclude: Collection[str]) -> Candidate | None:
        start = self._last + 1
        later = shelf >> start
        while shelf:
            # The lowest bit of those after the last choice, or else of all.
            place = start + (later & -later).bit_length() - 1 if later else (shelf & -shelf).bit_length() - 1
            candidate = self._candidates[place]
            if candidate is not None and candidate.id not in exclude:
                return candidate
            shelf ^= 1 << place
            later = shelf >> start
        return None

    def _file(self, candidate: Candidate, bit: int) -> None:
        load = candidate.filed = candidate.load
        shelf = self._shelves.get(load)
        if shelf is not None:
            self._shelves[load] = shelf | bit
            return
        if len(self._shelves) > 64 + 2 * self._count:
            self._clear_empty()
        self._shelves[load] = bit
        heappush(self._loads, load)

    def _clear_empty(self) -> None:
        self._shelves = {load: shelf for load, shelf in self._shelves.items() if shelf}
        self._loads = list(self._shelves)
        heapify(self._loads)
