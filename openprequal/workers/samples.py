"""What does a worker tell of its metrics, and how does its parent read it?"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.samples import Exemplar

SAMPLES: Final = 200
"""In one piece: about a millisecond."""


class Sample(NamedTuple):
    """One value."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float
    exemplar: Exemplar | None = None


class Family(NamedTuple):
    """A metric family, or a part of it."""

    name: str
    documentation: str
    type: str
    unit: str
    samples: list[Sample]


def told(registry: CollectorRegistry) -> Iterator[bytes]:
    """All families of *registry*, in pieces of a bounded number of samples."""
    for family in registry.collect():
        about = [family.name, family.documentation, family.type, family.unit]
        # Some families make their samples when they are taken, and only once.
        taken, first = iter(family.samples), True
        while (part := list(islice(taken, SAMPLES))) or first:
            samples = [
                [sample.name, list(sample.labels.items()), sample.value, *filter(None, [sample.exemplar])]
                for sample in part
            ]
            yield json.dumps([*about, samples]).encode("ascii")
            first = False


def read(piece: bytes) -> Family:
    """The family of one piece of :func:`told`."""
    name, documentation, kind, unit, told_samples = json.loads(piece)
    samples = [
        Sample(sample, tuple((key, text) for key, text in labels), value, *(Exemplar(*each) for each in exemplar))
        for sample, labels, value, *exemplar in told_samples
    ]
    return Family(name, documentation, kind, unit, samples)
