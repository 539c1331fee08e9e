"""Gateways as the command sees them, made up."""

from typing import Any

from openprequal.cli.picture import Picture, ServiceCounts


def row(number: int, service: str = "default", **more: Any) -> dict[str, Any]:
    """A row of ``/backends``."""
    return {
        "url": f"http://10.0.0.{number}:8001",
        "service": service,
        "up": True,
        "condition": "up",
        "reason": "serving",
        "picks": 0,
        "in_flight": 0,
        "rif": None,
        "average_latency": None,
        "latency": None,
        "load_source": "assumed",
        "report_age": None,
        **more,
    }


def picture(*rows: dict[str, Any], at: float = 100.0, not_ready: str | None = None, **counts: ServiceCounts) -> Picture:
    """The gateway with those rows."""
    return Picture(at, not_ready, list(rows), counts, {})
