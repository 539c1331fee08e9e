"""How many requests did a service have over the last minutes, how many failed, and how long did they take?"""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from openprequal.routing.service import Service

SAMPLE_S: Final = 2.0
KEPT: Final = 150
"""Samples of each service: five minutes of them, some 20 kB."""


class Sample(NamedTuple):
    """The requests that ended since the sample before."""

    number: int
    """Counts up, by one a sample, over all services alike."""
    at_s: float
    """When it was taken, on the gateway's clock."""
    seconds: float
    """How long it is since the sample before."""
    requests: int
    errors: int
    """Those of them that were answered with a status of 500 or above."""
    retries: int
    """Attempts beyond a request's first."""
    p50_s: float | None
    """Latency quantiles, from the histogram of the metrics; None: there was no request."""
    p90_s: float | None
    p99_s: float | None


class History:
    """Samples of all services, taken at every :meth:`tick`, whether anybody looks or not.

    What is counted anyway is read, so that no request costs more: a sample takes some 40 µs a service, once in
    :data:`SAMPLE_S`.
    """

    def __init__(self, services: Mapping[str, Service]) -> None:
        """:param services: looked at on each tick: they may come and go."""
        self._services = services
        self._kept: dict[str, _ServiceHistory] = {}
        self._number = 0

    def tick(self, now: float) -> None:
        """Take a sample of every service."""
        self._number += 1
        for name in self._kept.keys() - self._services.keys():
            del self._kept[name]
        for name, service in self._services.items():
            kept = self._kept.get(name)
            if kept is None:  # it has come since the last tick
                kept = self._kept[name] = _ServiceHistory(now - SAMPLE_S)
            kept.take(service, self._number, now)

    def after(self, number: int) -> dict[str, list[Sample]]:
        """The samples of each service that are newer than sample *number*, oldest first; 0: all that are kept."""
        return {name: kept.after(number) for name, kept in self._kept.items()}

    @property
    def last(self) -> int:
        """The number of the newest sample."""
        return self._number


class _ServiceHistory:
    """The samples of one service, and the counts that the next one is the difference to."""

    __slots__ = ("_at_s", "_buckets", "_errors", "_retries", "_samples")

    def __init__(self, begun_s: float) -> None:
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._at_s = begun_s
        self._buckets: Sequence[int] = ()
        self._errors = 0
        self._retries = 0

    def take(self, service: Service, number: int, now: float) -> None:
        at_s, before, errors_before, retries_before = self._at_s, self._buckets, self._errors, self._retries
        self._at_s = now
        self._buckets = buckets = service.tally.durations.counts.copy()
        self._errors = errors = service.tally.errors
        self._retries = retries = service.retry_budget.counts.total()
        new = [count - seen for count, seen in zip_longest(buckets, before, fillvalue=0)]
        bounds_s = service.tally.durations.bounds_s
        self._samples.append(
            Sample(
                number,
                now,
                now - at_s,
                sum(new),
                errors - errors_before,
                retries - retries_before,
                quantile(bounds_s, new, 0.5),
                quantile(bounds_s, new, 0.9),
                quantile(bounds_s, new, 0.99),
            )
        )

    def after(self, number: int) -> list[Sample]:
        samples = self._samples
        count = len(samples) if number <= 0 else sum(1 for sample in samples if sample.number > number)
        return list(samples)[len(samples) - count :]


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """The value that *share* of the values in a histogram are at most, by interpolation within its bucket.

    :param bounds: the buckets' upper bounds.
    :param counts: how many fell into each, one more than there are bounds; what is beyond them counts as the last.
    :return: None: there are no values.
    """
    rank = share * sum(counts)
    if not rank:
        return None
    below = 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and rank <= count:
            return below + (bound - below) * rank / count
        rank -= count
        below = bound
    return below
