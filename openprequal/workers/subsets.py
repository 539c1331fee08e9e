"""Which workers keep which backends, where there are so many that each should not probe and connect to all?"""

from hashlib import blake2b
from typing import Final

FEW: Final = 128
"""So many backends of a service each worker keeps at least: enough to choose among, and all of them where there are no
more."""


def keepers_each(backends: int, workers: int) -> int:
    """By how many workers each of so many backends of a service is kept.

    All are kept by as many, so that none gets more than its part, and each worker keeps about :data:`FEW` or more.
    """
    return workers if backends <= FEW else min(workers, -(-FEW * workers // backends))


def keepers(backend_id: str, workers: int, count: int) -> frozenset[int]:
    """The *count* workers that keep a backend: those that rendezvous hashing ranks first.

    It says the same in every process and after every restart, and whoever else comes or goes changes nothing.
    """
    if count >= workers:
        return frozenset(range(workers))
    ranked = sorted(range(workers), key=lambda worker: _rank(backend_id, worker))
    return frozenset(ranked[:count])


def _rank(backend_id: str, worker: int) -> bytes:
    return blake2b(f"{worker} {backend_id}".encode(), digest_size=8).digest()
