"""Which backends are up, and what has this process outstanding at each?"""

from collections.abc import Callable
from typing import Generic, TypeVar

from openprequal.balancing.indexed_set import IndexedSet
from openprequal.values import Backend


class Counted:
    """One backend as a rule sees it: who it is, and how many requests of ours are under way there."""

    __slots__ = ("backend", "elsewhere", "id", "in_flight", "is_up", "share")

    def __init__(self, backend: Backend) -> None:
        self.id = backend.id
        self.in_flight = 0
        self.elsewhere = 0
        """Requests of the gateway's other processes there, as last told."""
        self.is_up = False
        self.replace(backend)

    def replace(self, backend: Backend) -> None:
        """It was registered again, perhaps with another weight."""
        self.backend = backend
        self.share = 1.0 / backend.weight
        """Times a load: the load as a backend of weight 1 would feel it."""


Member = TypeVar("Member", bound=Counted)


class InFlightCounts(Generic[Member]):
    """The backends that are up, and those that went down with requests of ours still under way.

    Those requests count when their backend comes back; with the last of them a backend that is down is forgotten.

    :ivar up: all that may be picked.
    """

    __slots__ = ("_known", "_make", "up")

    def __init__(self, make: Callable[[Backend], Member], random: Callable[[], float]) -> None:
        """:param make: what is kept of a backend, when it is first heard of.
        :param random: uniform in [0, 1).
        """
        self.up: IndexedSet[Member] = IndexedSet(random)
        self._make = make
        self._known: dict[str, Member] = {}

    def get(self, backend: Backend) -> Member | None:
        """What is kept of it; None: nothing."""
        return self._known.get(backend.id)

    def joined(self, backend: Backend) -> Member:
        """It may be picked from now on."""
        member = self._know(backend)
        member.replace(backend)
        member.is_up = True
        self.up.add(member)
        return member

    def left(self, backend: Backend) -> Member | None:
        """It may no longer be picked; None if it was not up."""
        member = self._known.get(backend.id)
        if member is None or not member.is_up:
            return None
        member.is_up = False
        self.up.discard(member)
        if not member.in_flight:
            del self._known[member.id]
        return member

    def replaced(self, backend: Backend) -> Member | None:
        """It was registered again; None if nothing is kept of it."""
        member = self._known.get(backend.id)
        if member is not None:
            member.replace(backend)
        return member

    def started(self, backend: Backend) -> Member:
        """One more request of ours is under way to it."""
        member = self._known.get(backend.id) or self._know(backend)
        member.in_flight += 1
        return member

    def finished(self, backend: Backend) -> Member | None:
        """One ended; None if it was not known to be under way."""
        member = self._known.get(backend.id)
        if member is None or not member.in_flight:
            return None
        member.in_flight -= 1
        if not member.in_flight and not member.is_up:
            del self._known[member.id]
        return member

    def _know(self, backend: Backend) -> Member:
        member = self._known.get(backend.id)
        if member is None:
            member = self._known[backend.id] = self._make(backend)
        return member
