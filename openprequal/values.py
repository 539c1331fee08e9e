"""The frozen values that every part of the gateway speaks about: a backend, its load, how a request ended."""

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from attrs import field, frozen

DEFAULT_SERVICE = "default"


@frozen
class Backend:
    """A place requests can be sent to, as it was registered.

    Two registrations with the same :attr:`id` are the same backend; the later one replaces the earlier.
    """

    url: str
    """Canonical ``http://host:port``: lower case, port always present, no path; or ``unix:///path/of.sock``."""
    service: str = DEFAULT_SERVICE
    """The named set of backends it belongs to."""
    weight: float = 1.0
    """Carries this many times the load of a backend of weight 1; positive."""
    health_path: str | None = None
    """Path of its health check; None: the configured default, judged leniently (see ``health/``)."""
    probe_path: str | None = None
    """Path that answers with a load report; None: the health path."""
    probe_port: int | None = None
    """Port that answers probes; None: the port of the URL."""
    priority: int = 0
    """Those of the lowest number are used while enough of them are healthy; 0 or more."""
    zone: str | None = None
    """Where it is; a gateway that knows its own zone prefers it. None: near every gateway."""
    heartbeat_seconds: float | None = None
    """Renews its registration this often; None: registered by hand, never reaped."""
    draining: bool = False
    """The registry has word that it ends: it exists, answers what it was sent, and gets nothing new."""

    id: str = field(init=False)
    """Stable key of this backend, unique across services."""
    scheme: str = field(init=False, eq=False)
    host: str = field(init=False, eq=False)
    port: int = field(init=False, eq=False)
    """0 for a Unix socket."""

    @id.default
    def _id(self) -> str:
        return f"{self.service}/{self.url}"

    @scheme.default
    def _scheme(self) -> str:
        return urlsplit(self.url).scheme

    @host.default
    def _host(self) -> str:
        return urlsplit(self.url).hostname or "localhost"

    @port.default
    def _port(self) -> int:
        parts = urlsplit(self.url)
        return 0 if parts.scheme == "unix" else parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def socket_path(self) -> str | None:
        """Path of its Unix socket; None: it is reached by TCP."""
        return self.url.removeprefix("unix://") if self.scheme == "unix" else None

    @property
    def authority(self) -> str:
        """What a request to it has in Host, unless the client's is kept."""
        return "localhost" if self.scheme == "unix" else self.url.partition("://")[2]


class LoadState(StrEnum):
    """What a backend says of its own readiness in a load report."""

    READY = "ready"
    WARMING = "warming"
    DRAINING = "draining"


class ReportFormat(StrEnum):
    """How a backend writes its load reports (PREQUAL.md section 6), or what a service expects of its backends."""

    AUTO = "auto"
    """Whatever is recognised; what a service expects unless it is told better."""
    NONE = "none"
    """No report is believed."""
    OPENPREQUAL = "openprequal"
    PREQUAL_RS = "prequal-rs"
    OPENPREQUAL_FASTAPI = "openprequal-fastapi"
    LIBVMOD_PREQUAL = "libvmod-prequal"
    JSON = "json"
    """Bodies of several small implementations that differ in the names and units of the latency."""
    ORCA = "orca"
    PROMETHEUS = "prometheus"

    @property
    def probe_path(self) -> str | None:
        """Where backends of this format answer probes by its own convention; None: it has none."""
        return _PROBE_PATHS.get(self)


_PROBE_PATHS = {
    ReportFormat.PREQUAL_RS: "/prequal/probe",
    ReportFormat.OPENPREQUAL_FASTAPI: "/probe",
    ReportFormat.LIBVMOD_PREQUAL: "/probe",
    ReportFormat.JSON: "/probe",
    ReportFormat.PROMETHEUS: "/metrics",
}


class ReportWay(StrEnum):
    """Which way a load report came."""

    IN_BAND = "in-band"
    """On the response to a client's request."""
    PROBE = "probe"
    HEALTH_CHECK = "health check"
    HEARTBEAT = "heartbeat"


class LoadReport(NamedTuple):
    """A backend's own word on its load (PREQUAL.md sections 1 and 5).

    A named tuple, because one is made for every response that carries a report.
    """

    rif: float | None
    """Requests in flight at the backend, queueing included; an in-band report excludes the request it answers. None:
    it does not say (an ORCA report may hold a utilisation alone)."""
    latency_s: float | None
    """Estimated latency of a request at that RIF, in seconds; None: the backend has no estimate yet."""
    state: LoadState = LoadState.READY
    utilization: float | None = None
    """Share of what it may use that is in use, by its own word; above 1 where it may borrow. None: it does not say."""
    rps: float | None = None
    """Requests a second that it serves, by its own word; None: it does not say."""
    eps: float | None = None
    """Of those, errors a second; None: it does not say."""
    format: ReportFormat = ReportFormat.OPENPREQUAL
    """What it was written in."""


class Ending(StrEnum):
    """How one attempt at a backend ended, seen from this gateway."""

    RESPONSE = "response"
    """A complete response arrived (its status may still be an error)."""
    CONNECT_FAILED = "connect_failed"
    """No connection could be made: nothing was sent."""
    BROKEN = "broken"
    """The connection broke, or what came was not HTTP, before the response was complete."""
    TIMEOUT = "timeout"
    """The backend was too slow; we gave up."""
    CANCELLED = "cancelled"
    """The client went away or we shut down; says nothing about the backend."""


class Outcome(NamedTuple):
    """How one attempt at one backend ended; handed to the balancer and to health exactly once per attempt."""

    ending: Ending
    status: int | None
    """Status code of the response head, if one arrived."""
    latency_s: float | None
    """Seconds from sending the request to the response head; None if no head arrived."""

    @property
    def failed(self) -> bool:
        """True if it weighs against the backend by itself: no response, or 502/503/504 (PREQUAL.md section 5)."""
        if self.ending is Ending.RESPONSE:
            return self.status in (502, 503, 504)
        return self.ending is not Ending.CANCELLED


class PickReason(StrEnum):
    """Why a balancer chose a backend; the ``reason`` label of ``openprequal_picks_total``."""

    COLD = "cold"
    """The cold backend with the lowest latency (hot-cold rule)."""
    HOT = "hot"
    """All were hot: the one with the lowest RIF."""
    RANDOM = "random"
    """Too little was known, or the balancer is random."""
    FAST = "fast"
    """A hot one: the cold ones were many times slower (a deviation from the rule, see ``balancing/hot_cold.py``)."""
    TRIAL = "trial"
    """It had not been used for a while: to learn whether it has become better."""
    ROTATION = "rotation"
    """Its turn (round robin)."""
    LEAST = "least"
    """The least load of those compared, whatever the balancer calls load."""
    HASHED = "hashed"
    """The request's hash fell on it (ring, table)."""
