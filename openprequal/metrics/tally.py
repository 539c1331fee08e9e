"""Tallies: how is a finished request counted without the hot path noticing?

``prometheus_client``'s own counters take a lock and resolve labels: several microseconds a request. Here a request is
counted in plain integers, and the Prometheus families are made of them when somebody scrapes.
"""

from bisect import bisect_left
from collections.abc import Sequence

REQUEST_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds, inclusive, of the request durations' buckets."""

KNOWN_METHODS = {
    method: method.decode()
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
}
"""RFC 9110 section 9.3 and PATCH (RFC 5789). A method is any token a client makes up, so the label must be bounded."""


class Durations:
    """A histogram of durations in seconds.

    :ivar counts: how many fell into each bucket (not cumulated); the last is beyond all bounds.
    """

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: Sequence[float]) -> None:
        self.bounds_s = bounds_s
        self.counts = [0] * (len(bounds_s) + 1)
        self.sum_s = 0.0

    def observe(self, duration_s: float) -> None:
        """Count one duration. Immediate."""
        self.counts[bisect_left(self.bounds_s, duration_s)] += 1
        self.sum_s += duration_s

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulated ``(le, count)`` pairs as Prometheus wants them, ``+Inf`` last."""
        total = 0
        pairs: list[tuple[str, float]] = []
        for bound_s, count in zip((*map(str, self.bounds_s), "+Inf"), self.counts, strict=True):
            total += count
            pairs.append((bound_s, total))
        return pairs


class RequestTally:
    """The finished requests of one service, by method and status code, and how long they took."""

    __slots__ = ("_by_token", "durations", "service")

    def __init__(self, service: str) -> None:
        self.service = service
        self.durations = Durations(REQUEST_BUCKETS_S)
        self._by_token: dict[tuple[bytes, int], int] = {}

    def finished(self, method: bytes, status: int, duration_s: float) -> None:
        """Count a request answered with *status* after *duration_s* seconds. Immediate."""
        if method not in KNOWN_METHODS:
            method = b"other"
        key = (method, status)
        try:
            self._by_token[key] += 1
        except KeyError:
            self._by_token[key] = 1
        self.durations.observe(duration_s)

    @property
    def total(self) -> int:
        """Requests so far."""
        return sum(self._by_token.values())

    @property
    def errors(self) -> int:
        """Of those, answered with 5xx, whether by a backend or by us."""
        return sum(count for (_, status), count in self._by_token.items() if status >= 500)

    def counts(self) -> dict[tuple[str, str], int]:
        """Requests so far by (method label, code label)."""
        return {(KNOWN_METHODS.get(method, "other"), str(status)): n for (method, status), n in self._by_token.items()}
