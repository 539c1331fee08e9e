"""Exposition: how do the metrics become the text a scraper reads, without holding the reactor?

``generate_latest`` takes 6 to 9 µs a sample: 35 ms for the gauges of 1,000 backends. Therefore the text is made
in pieces of a bounded number of samples, and the gateway makes one piece a turn of the reactor.
"""

from collections.abc import Callable, Iterator
from typing import cast

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

PIECE_SAMPLES = 100
"""At most so many samples a piece: about a millisecond."""

_EOF = b"# EOF\n"
"""Ends an OpenMetrics exposition, once."""

Encoder = Callable[[Collector], bytes]


def exposition(registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    """Content type and body in the format the ``Accept`` field asks for; all at once, for small registries."""
    encoder, content_type = choose_encoder(accept)
    return content_type, b"".join(_pieces(registry, encoder))


def exposition_in_turns(clock: IReactorTime, registry: CollectorRegistry, accept: str) -> "Deferred[tuple[str, bytes]]":
    """The same, made piece by piece in as many turns of the reactor; cancellable.

    The samples of one family are taken at one moment; different families at slightly different ones.
    """
    return Deferred.fromCoroutine(_in_turns(clock, registry, accept))


async def _in_turns(clock: IReactorTime, registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    encoder, content_type = choose_encoder(accept)
    made: list[bytes] = []
    for piece in _pieces(registry, encoder):
        made.append(piece)
        await deferLater(clock, 0)
    return content_type, b"".join(made)


class _Samples:
    """Some samples of one family, in the place of a registry."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


def _pieces(registry: CollectorRegistry, encoder: Encoder) -> Iterator[bytes]:
    end = b""
    for family in registry.collect():
        samples = family.samples
        for start in range(0, max(1, len(samples)), PIECE_SAMPLES):
            piece = Metric(family.name, family.documentation, family.type, family.unit)
            piece.samples = samples[start : start + PIECE_SAMPLES]
            text = encoder(cast(Collector, _Samples(piece)))
            if text.endswith(_EOF):
                text, end = text[: -len(_EOF)], _EOF
            yield text if start == 0 else _without_comments(text)
    yield end


def _without_comments(text: bytes) -> bytes:
    """*text* without the HELP, TYPE and UNIT lines it begins with: a family has them once."""
    while text.startswith(b"# "):
        text = text[text.index(b"\n") + 1 :]
    return text
