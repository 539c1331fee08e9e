"""Which of two drawn at random? (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996)"""

from collections.abc import Callable, Collection, Sequence
from typing import Generic

from openprequal.balancing.in_flight_counts import Member
from openprequal.balancing.indexed_set import IndexedSet
from openprequal.balancing.ranked import Candidate

_FEW = 16


def draw_two(
    members: Sequence[Member], exclude: Collection[str], random: Callable[[], float]
) -> tuple[Member | None, Member | None]:
    """Two different members that are not excluded, uniformly; the second or both are None where there are no more.

    Its cost does not grow with their number unless nearly all are excluded.
    """
    if exclude:
        if len(members) > _FEW:
            first = None
            for _ in range(_FEW):
                member = members[int(random() * len(members))]
                if member.id in exclude or member is first:
                    continue
                if first is not None:
                    return first, member
                first = member
        # Few, or few that are left: look at everyone.
        members = [member for member in members if member.id not in exclude]
    count = len(members)
    if count < 2:
        return (members[0], None) if members else (None, None)
    one = int(random() * count)
    other = int(random() * (count - 1))
    # The second is drawn from the others: the last stands in for the one that is taken.
    return members[one], members[count - 1 if other == one else other]


class PowerOfTwo(Generic[Candidate]):
    """The one of lower load of two drawn uniformly; at a tie either."""

    __slots__ = ("_members", "_random")

    def __init__(self, up: IndexedSet[Candidate], random: Callable[[], float]) -> None:
        """:param up: who may be chosen; live.
        :param random: uniform in [0, 1).
        """
        self._members = up.members
        self._random = random

    def add(self, candidate: Candidate) -> None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`; nothing to do."""

    def discard(self, candidate: Candidate) -> None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`; nothing to do."""

    def moved(self, candidate: Candidate) -> None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`; nothing to do."""

    def choose(self, exclude: Collection[str]) -> Candidate | None:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`."""
        one, other = draw_two(self._members, exclude, self._random)
        return other if one is not None and other is not None and other.load < one.load else one

    def foresee(self, exclude: Collection[str]) -> Sequence[Candidate]:
        """See :class:`~openprequal.balancing.ranked.LoadChoice`."""
        one, other = draw_two(self._members, exclude, self._random)
        drawn = [each for each in (one, other) if each is not None]
        return drawn[::-1] if len(drawn) == 2 and drawn[1].load < drawn[0].load else drawn
