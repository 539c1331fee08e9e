"""What came out of a run, and what of several?"""

from array import array
from collections.abc import Sequence
from math import inf
from statistics import median

from attrs import field, frozen

QUANTILES = (0.5, 0.9, 0.99, 0.999)


@frozen
class Measured:
    """One run. A request that failed, or whose deadline was over, is slower than all others in every quantile."""

    scenario: str
    balancer: str
    seed: int
    quantiles: dict[float, float]
    """Latency in seconds at each of :data:`QUANTILES`; infinite where requests failed."""
    requests: int
    """Counted: after the warm-up."""
    failed: int
    timed_out: int
    shares: tuple[float, ...]
    """Of the requests, by server."""
    rif_quantiles: dict[float, float]
    """Of the requests in flight at a server, over servers and time."""
    probes: float
    """Sent per request, by all proxies."""
    wall_s: float = field(eq=False)
    """What the run took."""
    digest: str = field(eq=False, default="")
    """Of what it came from (:mod:`openprequal.simulation.origin`); empty: not known."""

    @property
    def errors(self) -> float:
        """Share of the requests."""
        return (self.failed + self.timed_out) / self.requests if self.requests else 0.0


@frozen
class Spread:
    """One figure over several seeds."""

    median: float
    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float]) -> "Spread":
        """Of *values*, at least one."""
        return cls(median(values), min(values), max(values))


def quantile_of(ordered: Sequence[float], quantile: float, beyond: int = 0) -> float:
    """The *quantile* of values in ascending order and of *beyond* infinite ones after them; nearest rank."""
    total = len(ordered) + beyond
    if not total:
        return inf
    rank = min(total - 1, int(quantile * total))
    return ordered[rank] if rank < len(ordered) else inf


@frozen
class Recorder:
    """Collects while a run is under way."""

    first: int
    """Number of the first request that counts."""
    latencies: "array[float]" = field(factory=lambda: array("d"))
    counts: dict[str, int] = field(factory=lambda: {"failed": 0, "timed_out": 0, "ended": 0})
    rifs: "array[int]" = field(factory=lambda: array("l"))

    def settled(self, number: int, status: int, latency_s: float) -> None:
        """Request *number* is over."""
        self.counts["ended"] += 1
        if number < self.first:
            return
        if status == 200:
            self.latencies.append(latency_s)
        elif status == 504:
            self.counts["timed_out"] += 1
        else:
            self.counts["failed"] += 1
