"""What ``GET /backends`` shows of each backend: what it registered, whether it may be picked and why, its load."""

from collections.abc import Mapping

from openprequal.health.standing import Standing
from openprequal.routing.service import Service


def backend_rows(
    services: Mapping[str, Service], standings: Mapping[str, Standing], now: float
) -> list[dict[str, object]]:
    """One row a backend, by service, in the order they joined. Ages in seconds, latencies in seconds."""
    rows: list[dict[str, object]] = []
    for service in services.values():
        for member in service.members.values():
            backend, report = member.backend, member.report
            standing = standings.get(backend.id)
            rows.append(
                {
                    "url": backend.url,
                    "service": backend.service,
                    "weight": backend.weight,
                    "heartbeat_seconds": backend.heartbeat_seconds,
                    "up": standing is not None and standing.offered,
                    "reason": standing.reason if standing is not None else "left",
                    "since_seconds": round(now - standing.since, 3) if standing is not None else None,
                    "in_flight": member.in_flight,
                    "picks": member.picks,
                    "average_latency": member.latency.average(now),
                    "rif": report.rif if report is not None else None,
                    "latency": report.latency_s if report is not None else None,
                    "state": report.state if report is not None else None,
                    "report_age": round(now - member.reported_at, 3) if report is not None else None,
                    "connections_opened": member.connections.opened,
                    "connections_idle": member.connections.idle,
                }
            )
    return rows
