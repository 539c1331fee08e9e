"""Exemplars: which recorded request shows how long requests took that fell into a bucket?"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from openprequal.metrics.tally import REQUEST_BUCKETS_S


class RecordedRequest(NamedTuple):
    """The latest recorded request of a bucket."""

    trace_id: int
    span_id: int
    duration_s: float
    at: float
    """Unix time of its end."""


class Exemplars:
    """The latest recorded request of each bucket of ``REQUEST_BUCKETS_S``, by service."""

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        """:param wall_clock: Unix time."""
        self._wall_clock = wall_clock
        self._by_service: dict[str, list[RecordedRequest | None]] = {}

    def saw(self, service: str, trace_id: int, span_id: int, duration_s: float) -> None:
        """A recorded request of *service* is over. Immediate."""
        buckets = self._by_service.get(service)
        if buckets is None:
            buckets = self._by_service[service] = [None] * (len(REQUEST_BUCKETS_S) + 1)
        recorded = RecordedRequest(trace_id, span_id, duration_s, self._wall_clock())
        buckets[bisect_left(REQUEST_BUCKETS_S, duration_s)] = recorded

    def of(self, service: str) -> Sequence[RecordedRequest | None]:
        """One for each bucket, or None; empty: there was none yet."""
        return self._by_service.get(service, ())
