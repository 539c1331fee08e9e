"""Exposition: how do the metrics become the text a scraper reads, without holding the reactor?

``generate_latest`` takes 6 to 9 µs a sample: 35 ms for the gauges of 1,000 backends. Therefore the text is made
in pieces of a bounded number of samples, and the gateway makes one piece a turn of the reactor.
"""

from collections.abc import Iterator
from itertools import islice
from typing import cast

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from openprequal.metrics.formats import Format, format_for

PIECE_SAMPLES = 100
"""At most so many samples a piece: about a millisecond."""

_EOF = b"# EOF\n"
"""Ends an OpenMetrics exposition, once."""


def exposition(registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    """Content type and body in the format the ``Accept`` field asks for; all at once, for small registries."""
    wanted = format_for(accept)
    return wanted.content_type, b"".join(_pieces(registry, wanted))


def exposition_in_turns(clock: IReactorTime, registry: CollectorRegistry, accept: str) -> "Deferred[tuple[str, bytes]]":
    """The same, made piece by piece in as many turns of the reactor; cancellable.

    The numbers of different families, and of different backends, are of slightly different moments.
    """
    return Deferred.fromCoroutine(_in_turns(clock, registry, accept))


async def _in_turns(clock: IReactorTime, registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    wanted = format_for(accept)
    made: list[bytes] = []
    for piece in _pieces(registry, wanted):
        made.append(piece)
        await deferLater(clock, 0)
    return wanted.content_type, b"".join(made)


class _Samples:
    """Some samples of one family, in the place of a registry."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


def _pieces(registry: CollectorRegistry, wanted: Format) -> Iterator[bytes]:
    end = b""
    for family in registry.collect():
        samples, first = iter(family.samples), True
        while (some := list(islice(samples, PIECE_SAMPLES))) or first:
            piece = Metric(family.name, family.documentation, family.type, family.unit)
            piece.samples = some
            text = wanted.encode(cast(Collector, _Samples(piece)))
            if text.endswith(_EOF):
                text, end = text[: -len(_EOF)], _EOF
            yield text if first else _without_comments(text)
            first = False
    yield end


def _without_comments(text: bytes) -> bytes:
    """*text* without the HELP, TYPE and UNIT lines it begins with: a family has them once."""
    while text.startswith(b"# "):
        text = text[text.index(b"\n") + 1 :]
    return text
