"""A member: what this process knows and holds of one backend of a service."""

from openprequal.metrics.window import WindowAverage
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.values import Backend, LoadReport, ReportWay


class Member:
    """One backend as this process sees it."""

    __slots__ = (
        "addresses",
        "answered_at",
        "backend",
        "connections",
        "in_flight",
        "latency",
        "picks",
        "probe_connections",
        "report",
        "report_way",
        "reported_at",
    )

    def __init__(
        self,
        backend: Backend,
        connections: Connections,
        probe_connections: Connections,
        addresses: Addresses,
        latency: WindowAverage,
    ) -> None:
        self.backend = backend
        self.connections = connections
        self.probe_connections = probe_connections
        """To the port that answers probes; the same as ``connections`` unless the backend named another."""
        self.addresses = addresses
        self.in_flight = 0
        """Requests this process has outstanding there."""
        self.picks = 0
        """Requests ever assigned to it by this process."""
        self.latency = latency
        """Average time to the response head, for people only: never the balancer's estimate."""
        self.report: LoadReport | None = None
        """The last load report, whichever way it came."""
        self.report_way = ReportWay.IN_BAND
        """Which way that was."""
        self.reported_at = float("-inf")
        self.answered_at = float("-inf")
        """When it last answered a request with a status below 500: that is as good as a passed health check."""
