"""Which backend does this client, header or cookie belong to, on a ring?"""

from array import array
from bisect import bisect_left
from collections.abc import Collection
from hashlib import shake_128
from math import log2
from struct import unpack

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.explanation import hashed, nobody
from openprequal.balancing.hash_key import HASH_ON, HASH_ON_ALLOWED, hash64, rendezvous, request_key
from openprequal.balancing.parameters import number, read_parameters, text
from openprequal.explanations import PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.values import Backend, LoadReport, Outcome, PickReason

_NUMBER_BITS = 20
_NUMBER = (1 << _NUMBER_BITS) - 1
_PLACE = (1 << 64) - 1 ^ _NUMBER
"""A point is 44 bits of hash, which place it, and 20 bits of its owner's number."""
_STEPS = 256
"""Points to go on by, where backends are excluded or down; then all are looked at."""


@frozen
class RingHashParameters:
    """What may be set on the ring."""

    hash_on: str = text("client", HASH_ON, HASH_ON_ALLOWED)
    """What decides: the client's address, or the value of a header or a cookie; without it, the client's address."""
    replicas_per_backend: int = number(100, 1, 1000, whole=True)
    """Points on the ring of a backend of average weight: more make shares more even and changes slower."""


class _Owner:
    """A backend with its points on the ring."""

    __slots__ = ("backend", "id", "is_up", "number", "points", "seed")

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.id = backend.id
        self.is_up = True
        self.number = -1
        """Its number on the ring; -1: it has no points there yet."""
        self.points = 0
        self.seed = hash64(backend.id.encode())

    def places(self) -> list[int]:
        """Its points: the first are the same however many there are."""
        hashes = unpack(f">{self.points}Q", shake_128(self.id.encode()).digest(8 * self.points))
        number = self.number
        return [value & _PLACE | number for value in hashes]


@implementer(IBalancer, IExplainsPicks)
class RingHash:
    """The backend whose point on a ring comes next after the request's: equal requests go to equal backends.

    Consistent hashing as in ketama and Envoy's ring hash: weight is the number of points, and when a backend joins or
    leaves, only what belongs to it moves. A backend that is excluded or down is passed over for the next on the ring;
    its points stay until such make up half of the ring, so that coming back costs nothing.

    Take it where a backend keeps something of a client (a cache, a session) and finding it again is worth more than an
    even load; shares differ by some 10 % at 100 points. Load does not count: one busy client keeps one backend busy.
    :class:`~openprequal.balancing.maglev.Maglev` has a faster choice and more even shares, and moves a little more.

    The ring is built at the first pick after a change: for 10,000 backends of 100 points about a second and 8 MB, and a
    tenth of a second for one more; for 100 backends milliseconds.
    """

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or cannot be used."""
        self.parameters = given = read_parameters(RingHashParameters, context.parameters, "ring_hash")
        self.pick_counts = {PickReason.HASHED.value: 0}
        self._key = request_key(given.hash_on)
        self._owners: dict[str, _Owner] = {}
        self._up = 0
        self._unit = 1.0
        """The weight that has ``replicas_per_backend`` points."""
        self._numbered: list[_Owner | None] = []
        self._points = array("Q")
        self._dead = 0
        """Points of those that are down or have others by now."""
        self._changed = False

    def up(self, backend: Backend) -> None:
        owner = self._owners.get(backend.id)
        if owner is None:
            self._owners[backend.id] = _Owner(backend)
            self._up += 1
            self._changed = True
        elif not owner.is_up:
            owner.is_up = True
            self._up += 1
            self._dead -= owner.points
            self._replace(owner, backend)

    def down(self, backend: Backend) -> None:
        owner = self._owners.get(backend.id)
        if owner is not None and owner.is_up:
            owner.is_up = False
            self._up -= 1
            self._dead += owner.points
            self._changed = self._changed or 2 * self._dead > len(self._points)

    def reweighted(self, backend: Backend) -> None:
        owner = self._owners.get(backend.id)
        if owner is not None and owner.is_up:
            self._replace(owner, backend)

    def _replace(self, owner: _Owner, backend: Backend) -> None:
        if backend.weight != owner.backend.weight:
            self._changed = True
        owner.backend = backend

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        owner = self._owner_of(request, exclude)
        if owner is None:
            return None
        self.pick_counts[PickReason.HASHED] += 1
        return owner.backend

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""
        owner = self._owner_of(request, exclude)
        if owner is None:
            return nobody("")
        return hashed(owner.id, "it is the first on the ring", self.parameters.hash_on)

    def _owner_of(self, request: IRequest, exclude: Collection[str]) -> _Owner | None:
        if not self._up:
            return None
        if self._changed:
            self._build()
        key = self._key(request)
        owner = self._next(key, exclude)
        if owner is None:
            left = [each for each in self._owners.values() if each.is_up and each.id not in exclude]
            owner = rendezvous(left, key) if left else None
        return owner

    def _next(self, key: int, exclude: Collection[str]) -> _Owner | None:
        points = self._points
        size = len(points)
        place = bisect_left(points, key & _PLACE)
        for _ in range(min(_STEPS, size)):
            if place >= size:
                place = 0
            owner = self._numbered[points[place] & _NUMBER]
            if owner is not None and owner.is_up and owner.id not in exclude:
                return owner
            place += 1
        return None

    def _build(self) -> None:
        self._changed = False
        up = [owner for owner in self._owners.values() if owner.is_up]
        # A power of two near the mean, so that it hardly ever changes, and the ring is about as large for any weights.
        unit = 2.0 ** round(log2(sum(owner.backend.weight for owner in up) / len(up)))
        if unit != self._unit or 2 * self._dead > len(self._points) or len(self._numbered) + len(up) > _NUMBER:
            self._unit = unit
            self._owners = {owner.id: owner for owner in up}
            self._numbered = []
            self._points = array("Q")
            self._dead = 0
            for owner in up:
                owner.number = -1
        new = []
        for owner in up:
            count = max(1, round(self.parameters.replicas_per_backend * owner.backend.weight / unit))
            if owner.number < 0 or count != owner.points:
                if owner.number >= 0:
                    self._numbered[owner.number] = None
                    self._dead += owner.points
                owner.points = count
                owner.number = len(self._numbered)
                self._numbered.append(owner)
                new.append(owner)
        if new:
            points = self._points.tolist()
            for owner in new:
                points += owner.places()
            points.sort()
            self._points = array("Q", points)

    def started(self, backend: Backend) -> None:
        pass

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        pass

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass
