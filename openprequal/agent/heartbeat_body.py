"""What does a heartbeat tell a gateway, and when is the next one due? The rules, whoever sends them."""

from random import Random
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from openprequal.values import LoadReport

FIRST_RETRY_S: Final = 0.5
"""Doubled with every failure up to the interval: a gateway that starts after us has us within seconds."""

ANSWER_TIMEOUT_S: Final = 5.0
UNREGISTER_TIMEOUT_S: Final = 2.0
"""Our shutdown waits no longer for a gateway that may be going down too; the lease ends by itself."""


@frozen
class Registration:
    """What the gateway is told of this backend besides its load."""

    service: str
    weight: float
    health_path: str
    interval_s: float
    """Seconds between two heartbeats, as promised."""
    probe_port: int | None = None
    """Port that answers probes; None: the URL's."""
    priority: int = 0
    """0 comes first; others are used while too few before them are healthy."""
    zone: str | None = None
    """Where it is: gateways of the same zone prefer it; None: near to all."""


class Refused(Exception):
    """The gateway answered, but did not take us."""

    @classmethod
    def of(cls, status: int, text: str) -> "Refused":
        """The answer had this status and body."""
        return cls(f"{status} {' '.join(text.split())[:200]}".rstrip())


def registration_body(url: str, registration: Registration, load: LoadReport) -> dict[str, object]:
    """The JSON object of ``POST /register`` for the backend at *url*."""
    body: dict[str, object] = {
        "url": url,
        # Not the one listened on: a container's published port may be another.
        "port": address_of(url)[1],
        "service": registration.service,
        "weight": registration.weight,
        "health_path": registration.health_path,
        "heartbeat_seconds": registration.interval_s,
        "load": {"rif": load.rif, "latency": load.latency_s, "state": load.state.value},
    }
    if registration.probe_port is not None:
        body["probe_port"] = registration.probe_port
    # A gateway of before there were these would refuse them.
    if registration.priority:
        body["priority"] = registration.priority
    if registration.zone is not None:
        body["zone"] = registration.zone
    return body


def unregistration_body(url: str, registration: Registration) -> dict[str, object]:
    """The JSON object of ``POST /unregister``."""
    return {"url": url, "service": registration.service}


def pause_s(failures: int, interval_s: float, rng: Random) -> float:
    """Seconds until the next heartbeat after so many *failures* in a row.

    Never longer than the interval, which is a promise; drawn, so that a fleet does not beat in step.
    """
    if failures:
        # The exponent is bounded because a power of two beyond a float's range raises.
        interval_s = min(interval_s, FIRST_RETRY_S * 2 ** min(failures - 1, 30))
    return interval_s * rng.uniform(0.8, 1.0)


def address_of(url: str) -> tuple[str, int]:
    """The host and port that *url* leads to."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
