"""What ``GET /backends`` shows of each backend: what it registered, whether it may be picked and why, its load."""

from collections.abc import Mapping
from typing import Any

from openprequal.balancing.shadow import Shadowed
from openprequal.health.standing import Standing
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.values import Backend


def backend_rows(
    services: Mapping[str, Service], standings: Mapping[str, Standing], now: float
) -> list[dict[str, object]]:
    """One row a backend, by service, in the order they joined."""
    rows: list[dict[str, object]] = []
    for service in services.values():
        estimates = estimates_of(service)
        shares = service.balancer.shares if isinstance(service.balancer, Shadowed) else None
        for member in service.members.values():
            key = member.backend.id
            standing = standing_row(member.backend, standings.get(key), now)
            rows.append({**standing, **load_row(member, estimates.get(key), now), **_shares_of(key, shares)})
    return rows


def estimates_of(service: Service) -> Mapping[str, Any]:
    """What its balancer believes of each backend, by id; nothing, if it believes nothing."""
    estimates: Mapping[str, Any] = getattr(service.balancer, "estimates", dict)()
    return estimates


def standing_row(backend: Backend, standing: Standing | None, now: float) -> dict[str, object]:
    """What it registered, and whether it may be picked. Ages in seconds.

    :param standing: None: it has just left.
    """
    return {
        "url": backend.url,
        "service": backend.service,
        "weight": backend.weight,
        "priority": backend.priority,
        "zone": backend.zone,
        "heartbeat_seconds": backend.heartbeat_seconds,
        "up": standing is not None and standing.offered,
        "condition": standing.condition if standing is not None else None,
        "reason": standing.reason if standing is not None else "left",
        "since_seconds": round(now - standing.since, 3) if standing is not None else None,
        "ejections": standing.ejections if standing is not None else 0,
    }


def load_row(member: Member, estimate: Any, now: float) -> dict[str, object]:
    """What it has to do. Ages in seconds, latencies in seconds.

    :param estimate: the balancer's; None: it has none.
    """
    report = member.report
    return {
        "in_flight": member.in_flight,
        "picks": member.picks,
        "average_latency": member.latency.average(now),
        "rif": report.rif if report is not None else None,
        "latency": report.latency_s if report is not None else None,
        "state": report.state if report is not None else None,
        "load_source": _load_source(member, estimate, now),
        "report_age": round(now - member.reported_at, 3) if report is not None else None,
        "connections_opened": member.connections.opened,
        "connections_idle": member.connections.idle,
    }


def _shares_of(backend_id: str, shares: Mapping[str, tuple[float, float]] | None) -> dict[str, object]:
    """The part of all picks that it got while a shadow balancer was asked, and that the shadow would have given it.

    :param shares: both of each backend; None: there is no shadow.
    """
    picked, foreseen = (None, None) if shares is None else shares.get(backend_id, (0.0, 0.0))
    return {"pick_share": picked, "shadow_share": foreseen}


def _load_source(member: Member, estimate: Any, now: float) -> str:
    """What the balancer's belief of its load rests on, in words.

    :param estimate: the balancer's, with a ``source``; None if it has none: then it is what we know of the backend.
    """
    report = member.report
    if estimate is not None:
        source = str(estimate.source)
    elif report is not None:
        source = "reported"
    else:
        source = "assumed" if member.latency.average(now) is None else "measured"
    if report is not None and source in ("reported", "stale"):
        told = f"report: {report.format} ({member.report_way})"
        return told if source == "reported" else f"{told}, faded"
    return "measured here" if source == "measured" else source
