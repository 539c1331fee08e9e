"""What does a rule need that chooses the backend of least load, whatever load is?"""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from openprequal.balancing.in_flight_counts import Counted
from openprequal.values import Backend


class Ranked(Counted):
    """A backend with a load to compare by."""

    __slots__ = ("filed", "load", "place")

    def __init__(self, backend: Backend) -> None:
        self.load = 0.0
        """What the rule compares, already divided by the weight: the lower, the better. Never NaN."""
        self.place = -1
        """Its seat in the cyclic order of a :class:`~openprequal.balancing.least_load.LeastLoad`; -1: none."""
        self.filed = 0.0
        """The load that it is found under there."""
        super().__init__(backend)


Candidate = TypeVar("Candidate", bound=Ranked)


class LoadChoice(Protocol[Candidate]):
    """A way to choose by load. It is told who may be chosen and whose load has changed."""

    def add(self, candidate: Candidate) -> None:
        """It may be chosen from now on."""

    def discard(self, candidate: Candidate) -> None:
        """It may no longer be chosen. Harmless if it could not be."""

    def moved(self, candidate: Candidate) -> None:
        """Its load is another. Harmless if it cannot be chosen."""

    def choose(self, exclude: Collection[str]) -> Candidate | None:
        """One whose id is not excluded; None if there is none."""

    def foresee(self, exclude: Collection[str]) -> Sequence[Candidate]:
        """Whom :meth:`choose` would compare now, first the one that it would give; empty: there is none.

        Draws apart, nothing is changed by it. Not for the hot path.
        """
