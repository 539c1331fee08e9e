"""Which of a changing set, drawn at random, at the same cost for ten members as for ten thousand?"""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

Member = TypeVar("Member")


class IndexedSet(Generic[Member]):
    """A set whose members also sit in a list, in no particular order: add, discard and draw are O(1)."""

    __slots__ = ("_members", "_places", "_random")

    def __init__(self, random: Callable[[], float]) -> None:
        """:param random: uniform in [0, 1), as ``random.Random.random``."""
        self._random = random
        self._members: list[Member] = []
        self._places: dict[Member, int] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def __contains__(self, member: object) -> bool:
        return member in self._places

    def __getitem__(self, place: int) -> Member:
        return self._members[place]

    @property
    def members(self) -> Sequence[Member]:
        """All of them; live, to be read at once."""
        return self._members

    def add(self, member: Member) -> None:
        """Harmless if it is there."""
        if member not in self._places:
            self._places[member] = len(self._members)
            self._members.append(member)

    def discard(self, member: Member) -> None:
        """Harmless if it is not there."""
        place = self._places.pop(member, None)
        if place is None:
            return
        last = self._members.pop()
        if place < len(self._members):
            self._members[place] = last
            self._places[last] = place

    def draw(self) -> Member:
        """One of them, uniformly.

        :raises IndexError: it is empty.
        """
        return self._members[int(self._random() * len(self._members))]

    def sample(self, count: int) -> Sequence[Member]:
        """*count* different ones, uniformly without replacement; all, if there are no more."""
        members = self._members
        size = len(members)
        if count >= size:
            return members[:]
        places, random = self._places, self._random
        # The first steps of a Fisher-Yates shuffle, in place: the order means nothing, and nothing is copied.
        for place in range(count):
            other = place + int(random() * (size - place))
            if other != place:
                members[place], members[other] = members[other], members[place]
                places[members[place]] = place
                places[members[other]] = other
        return members[:count]
