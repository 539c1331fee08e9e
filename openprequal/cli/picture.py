"""What do the pages of a gateway add up to: its services and backends at one moment, and between two?"""

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from attrs import define, field, frozen
from prometheus_client.parser import text_string_to_metric_families

from openprequal.cli.asking import GatewayClient, NoAnswer, Refused

Key = tuple[str, str]
"""Service and URL of a backend."""


@define
class ServiceCounts:
    """What the gateway has counted of one service."""

    requests: float = 0.0
    errors: float = 0.0
    """Of those, answered with 5xx."""
    queued: float = 0.0
    buckets: dict[float, float] = field(factory=dict)
    """Requests that took at most so many seconds."""


@frozen
class Picture:
    """The gateway at one moment."""

    at: float
    """On the clock of whoever took it, in seconds."""
    not_ready: str | None
    """Why it should get no traffic; None: it should."""
    rows: list[dict[str, Any]]
    """Those of ``/backends``."""
    counts: Mapping[str, ServiceCounts]
    balancers: Mapping[str, str]
    """What each service balances by; if that is not what the settings say, with who wanted it."""

    @property
    def names(self) -> list[str]:
        """The services, those that have backends first."""
        return list(dict.fromkeys([*(row["service"] for row in self.rows), *self.counts]))


@frozen
class ServiceLine:
    """One service, since another moment."""

    name: str
    up: int
    backends: int
    requests_per_s: float | None
    errors_per_s: float | None
    queued: float
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None


def taken(client: GatewayClient, at: float) -> Picture:
    """The gateway as it is.

    :raises NoAnswer: it does not say.
    """
    try:
        client.may("GET", "/readyz")
        not_ready = None
    except Refused as refused:
        not_ready = str(refused)
    rows = client.get("/backends").get("backends")
    if not isinstance(rows, list):
        raise NoAnswer(f"{client.url}/backends answers something else than a gateway does")
    balancers = {row["service"]: _balancer(row) for row in client.get("/_openprequal/balancer")["services"]}
    return Picture(at, not_ready, rows, _counts(client.text("/metrics")), balancers)


def _balancer(row: Mapping[str, Any]) -> str:
    return str(row["balancer"]) if row["by"] is None else f"{row['balancer']} (by {row['by']})"


def _counts(page: str) -> dict[str, ServiceCounts]:
    counts: dict[str, ServiceCounts] = defaultdict(ServiceCounts)
    # Of a thousand backends there are six thousand lines, of which we want none.
    lines = [line for line in page.splitlines() if "service=" in line and "backend=" not in line]
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            service = counts[sample.labels["service"]]
            if sample.name == "openprequal_requests_total":
                service.requests += sample.value
                service.errors += sample.value if sample.labels["code"].startswith("5") else 0.0
            elif sample.name == "openprequal_queue_length":
                service.queued = sample.value
            elif sample.name == "openprequal_request_duration_seconds_bucket":
                service.buckets[float(sample.labels["le"])] = sample.value
    # "-" are requests that were refused before they had a service.
    return {name: each for name, each in counts.items() if name != "-"}


def service_lines(now: Picture, before: Picture | None) -> list[ServiceLine]:
    """All services; rates and percentiles are of the time since *before*, or of all time, then without rates."""
    lines = []
    for name in now.names:
        rows = [row for row in now.rows if row["service"] == name]
        mine = now.counts.get(name, ServiceCounts())
        then = before.counts.get(name, ServiceCounts()) if before is not None else ServiceCounts()
        # A restarted gateway counts from 0.
        if then.requests > mine.requests:
            then = ServiceCounts()
        elapsed = now.at - before.at if before is not None else None
        buckets = {bound: count - then.buckets.get(bound, 0.0) for bound, count in mine.buckets.items()}
        lines.append(
            ServiceLine(
                name,
                sum(row["up"] for row in rows),
                len(rows),
                _rate(mine.requests - then.requests, elapsed),
                _rate(mine.errors - then.errors, elapsed),
                mine.queued,
                *(quantile(buckets, q) for q in (0.5, 0.9, 0.99)),
            )
        )
    return lines


def picks_since(now: Picture, before: Picture | None) -> dict[Key, int]:
    """Requests that each backend was sent since *before*, or since it joined."""
    then = {key_of(row): int(row["picks"]) for row in before.rows} if before is not None else {}
    picks = {key_of(row): int(row["picks"]) for row in now.rows}
    # One that has joined anew counts from 0.
    return {key: count - then.get(key, 0) if count >= then.get(key, 0) else count for key, count in picks.items()}


def shares_of(picks: Mapping[Key, int]) -> dict[Key, float | None]:
    """What part of its service's requests each backend got; None: there were none."""
    totals: dict[str, int] = defaultdict(int)
    for (service, _), count in picks.items():
        totals[service] += count
    return {
        (service, url): picks[service, url] / totals[service] if totals[service] else None for service, url in picks
    }


def key_of(row: Mapping[str, Any]) -> Key:
    """What tells the backend of *row* from all others."""
    return row["service"], row["url"]


def quantile(buckets: Mapping[float, float], q: float) -> float | None:
    """The *q* quantile of what fell into cumulated *buckets*, as Prometheus reckons it; None: there was nothing.

    Beyond the last bound it is that bound.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if not total:
        return None
    rank = q * total
    for low, high in pairwise([0.0, *bounds]):
        if buckets[high] >= rank:
            below = buckets.get(low, 0.0)
            inside = buckets[high] - below
            return low if high == float("inf") else low + (high - low) * ((rank - below) / inside if inside else 1.0)
    return None


def _rate(count: float, elapsed: float | None) -> float | None:
    return count / elapsed if elapsed else None
