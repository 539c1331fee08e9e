"""What is kept of a run?"""

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import Any, cast

from attrs import asdict, evolve, frozen

from openprequal.bench.tail.generator import BROKEN, FOREIGN, TIMED_OUT, Seen
from openprequal.bench.tail.histograms import encoded
from openprequal.bench.tail.lateness import p99_of
from openprequal.simulation.measured import QUANTILES, quantile_of

_NAMES = {BROKEN: "broken", TIMED_OUT: "timed out", FOREIGN: "not a backend's", -1: "unsettled"}


@frozen(kw_only=True)
class Latencies:
    """How the counted requests of a run fared. One that failed or timed out is slower than all others in every
    quantile."""

    requests: int
    failed: int
    """Answered with an error, or not at all."""
    timed_out: int
    statuses: Mapping[str, int]
    """How many of each status; what had none has a name."""
    quantiles: Mapping[str, float]
    """Seconds at each of :data:`~openprequal.simulation.measured.QUANTILES`; infinite where requests failed."""
    histogram: str
    """Of the answered ones (:mod:`~openprequal.bench.tail.histograms`)."""
    by_second: Sequence[tuple[float | None, float | None, int]]
    """p50 and p99 of the requests that were to be sent in each second (None: so many failed, or there were none), and
    how many of them failed."""


@frozen(kw_only=True)
class Record:
    """One run that counts."""

    workload: str
    policy: str
    seed: int
    warm_up_s: float
    counted_s: float
    lanes: int
    """Runs side by side at that time, this one included."""
    latencies: Latencies
    per_backend: Sequence[int]
    """Requests that each backend got."""
    probes: int
    """Probes and health checks that the backends got."""
    sender_late_s: float
    """p99 of how much later than scheduled requests were sent."""
    emulation_lag_s: float
    """p99 of how much later than due the backends did things."""
    cpu: Mapping[str, float]
    """Cores used by the proxies together, the generator and the emulation; by everything on the machine, of all."""
    version: str
    machine: str
    thrown_away: Sequence[str]
    """Why runs before this one did not count."""

    @property
    def key(self) -> tuple[str, str, int, float, float]:
        """What makes it this run and no other."""
        return self.workload, self.policy, self.seed, self.warm_up_s, self.counted_s

    def quantile(self, quantile: float) -> float:
        """Seconds."""
        return self.latencies.quantiles[f"{quantile:g}"]

    def as_told(self) -> dict[str, Any]:
        """As it is written: without numbers that JSON does not have."""
        return cast(dict[str, Any], finite(asdict(self)))

    @classmethod
    def of_told(cls, told: Mapping[str, Any]) -> "Record":
        """The reverse of :meth:`as_told`.

        :raises TypeError: something is missing, or not known.
        """
        latencies = Latencies(**told["latencies"])
        quantiles = {name: inf if value is None else value for name, value in latencies.quantiles.items()}
        return cls(**{**told, "latencies": evolve(latencies, quantiles=quantiles)})


def latencies_of(seen: Seen, warm_up_s: float) -> Latencies:
    """What was seen after the warm-up."""
    seconds: dict[int, tuple[list[float], list[int]]] = {}
    statuses: dict[str, int] = {}
    answered: list[float] = []
    for at_s, latency_s, status in zip(seen.at_s, seen.latency_s, seen.status, strict=True):
        if at_s < warm_up_s:
            continue
        name = _NAMES.get(status, str(status))
        statuses[name] = statuses.get(name, 0) + 1
        good, bad = seconds.setdefault(int(at_s - warm_up_s), ([], []))
        if status == 200:
            answered.append(latency_s)
            good.append(latency_s)
        else:
            bad.append(status)
    answered.sort()
    lost = sum(statuses.values()) - len(answered)
    timed_out = statuses.get("timed out", 0)
    return Latencies(
        requests=len(answered) + lost,
        failed=lost - timed_out,
        timed_out=timed_out,
        statuses=statuses,
        quantiles={f"{quantile:g}": quantile_of(answered, quantile, lost) for quantile in QUANTILES},
        histogram=encoded(answered),
        by_second=[_second(*seconds.get(second, ([], []))) for second in range(max(seconds, default=-1) + 1)],
    )


def late_of(seen: Seen, warm_up_s: float) -> float:
    """p99 of how late requests were sent after the warm-up, in seconds."""
    return p99_of([late_s for at_s, late_s in zip(seen.at_s, seen.late_s, strict=True) if at_s >= warm_up_s])


def finite(value: object) -> object:
    """*value* for JSON, which knows neither infinity nor nan: null stands for them."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _second(good: list[float], bad: list[int]) -> tuple[float | None, float | None, int]:
    good.sort()
    middle, tail = (quantile_of(good, quantile, len(bad)) for quantile in (0.5, 0.99))
    return middle if middle < inf else None, tail if tail < inf else None, len(bad)
