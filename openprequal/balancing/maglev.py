"""Which backend does this client, header or cookie belong to, by a table?"""

from array import array
from collections.abc import Collection
from heapq import heapify, heapreplace

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.explanation import hashed, nobody
from openprequal.balancing.hash_key import HASH_ON, HASH_ON_ALLOWED, hash64, rendezvous, request_key
from openprequal.balancing.parameters import prime, read_parameters, text
from openprequal.explanations import PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.values import Backend, LoadReport, Outcome, PickReason

_REHASHES = 64
"""Slots to try, where backends are excluded or down; then all are looked at."""
_DEAD_PART = 4
"""The table is built anew when one slot in so many is that of a backend that is down."""


@frozen
class MaglevParameters:
    """What may be set on the table."""

    hash_on: str = text("client", HASH_ON, HASH_ON_ALLOWED)
    """What decides: the client's address, or the value of a header or a cookie; without it, the client's address."""
    table_size: int = prime(65537, 3, 5_000_011)
    """Slots: at least a hundred for each backend make shares even; the time to build grows with them."""


class _Owner:
    """A backend with its slots in the table."""

    __slots__ = ("backend", "id", "is_up", "next", "seed", "skip", "slots")

    def __init__(self, backend: Backend, size: int) -> None:
        self.backend = backend
        self.id = backend.id
        self.is_up = True
        self.slots = 0
        self.seed = hash64(backend.id.encode())
        self.skip = 0
        self.next = 0
        self.rewind(size)

    def rewind(self, size: int) -> None:
        """Go to the start of its order of preference among *size* slots."""
        self.slots = 0
        self.next = self.seed % size
        self.skip = (self.seed >> 32) % (size - 1) + 1


@implementer(IBalancer, IExplainsPicks)
class Maglev:
    """The backend in the slot of a table that the request's hash falls on: equal requests go to equal backends.

    Google's Maglev (Eisenbud et al., NSDI 2016, section 3.4): backends fill a table of prime size, each taking the next
    free slot of its own order of preference, in turns by weight. A pick is one look; shares are even to about one slot
    in a hundred; a change moves what belongs to the backend and a little besides. A backend that is excluded or down is
    passed over by hashing again; it keeps its slots until a quarter of the table is such, or another backend joins.

    Take it as :class:`~openprequal.balancing.ring_hash.RingHash`, where even shares and speed count for more than that
    nothing else moves. It needs a table of at least a hundred slots for each backend, which takes time to fill at the
    first pick after a change: 65,537 slots about a tenth of a second, the 1,000,003 for 10,000 backends some seconds.
    """

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or cannot be used."""
        self.parameters = given = read_parameters(MaglevParameters, context.parameters, "maglev")
        self.pick_counts = {PickReason.HASHED.value: 0}
        self._key = request_key(given.hash_on)
        self._size = given.table_size
        self._owners: dict[str, _Owner] = {}
        self._up = 0
        self._ordered: list[_Owner] = []
        self._table = array("L")
        """Of each slot, its owner's place in the order."""
        self._dead = 0
        self._changed = False

    def up(self, backend: Backend) -> None:
        owner = self._owners.get(backend.id)
        if owner is None:
            self._owners[backend.id] = _Owner(backend, self._size)
            self._up += 1
            self._changed = True
        elif not owner.is_up:
            owner.is_up = True
            self._up += 1
            self._dead -= owner.slots
            self._replace(owner, backend)

    def down(self, backend: Backend) -> None:
        owner = self._owners.get(backend.id)
        if owner is not None and owner.is_up:
            owner.is_up = False
            self._up -= 1
            self._dead += owner.slots
            self._changed = self._changed or _DEAD_PART * self._dead > self._size

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
        return hashed(owner.id, "in the table it is the first", self.parameters.hash_on)

    def _owner_of(self, request: IRequest, exclude: Collection[str]) -> _Owner | None:
        if not self._up:
            return None
        if self._changed:
            self._build()
        key = self._key(request)
        slot = key % self._size
        owner = self._ordered[self._table[slot]]
        return self._rehashed(key, slot, exclude) if not owner.is_up or owner.id in exclude else owner

    def _rehashed(self, key: int, slot: int, exclude: Collection[str]) -> _Owner | None:
        """Who stands in for the owner of *slot*: double hashing, which spreads its requests over all others."""
        step = (key >> 20) % (self._size - 1) + 1
        for _ in range(_REHASHES):
            slot = (slot + step) % self._size
            owner = self._ordered[self._table[slot]]
            if owner.is_up and owner.id not in exclude:
                return owner
        left = [each for each in self._owners.values() if each.is_up and each.id not in exclude]
        return rendezvous(left, key) if left else None

    def _build(self) -> None:
        self._changed = False
        self._dead = 0
        # By id, whoever joined first, so that all gateways have the same table.
        self._ordered = sorted((owner for owner in self._owners.values() if owner.is_up), key=lambda owner: owner.id)
        self._owners = {owner.id: owner for owner in self._ordered}
        size = self._size
        for owner in self._ordered:
            owner.rewind(size)
        table = array("L", bytes(size * array("L").itemsize))
        taken = bytearray(size)
        # Turns by weight: who has taken k slots takes the next at (k + 1) / weight.
        turns = [(1.0 / owner.backend.weight, place, owner) for place, owner in enumerate(self._ordered)]
        heapify(turns)
        for _ in range(size):
            at, place, owner = turns[0]
            slot, skip = owner.next, owner.skip
            while taken[slot]:
                slot += skip
                if slot >= size:
                    slot -= size
            taken[slot] = 1
            table[slot] = place
            owner.slots += 1
            owner.next = slot
            heapreplace(turns, (at + 1.0 / owner.backend.weight, place, owner))
        self._table = table

    def started(self, backend: Backend) -> None:
        pass

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        pass

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass
