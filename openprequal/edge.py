"""What stands between our sockets and the way of a request? TLS on both sides, and the PROXY protocol."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.interfaces import IProtocolFactory

from openprequal.clocks import Periodic
from openprequal.config.endpoints import is_socket, under_tls
from openprequal.config.gateway import GatewaySettings
from openprequal.data_plane import Clock, upstream_tls_rules
from openprequal.metrics.families import EdgeSample
from openprequal.proxy_protocol.receiving import ProxiedFactory
from openprequal.tls.files import LOOK_S
from openprequal.tls.server import TlsRules, TlsServer
from openprequal.upstream.trust import UpstreamTls

TELL_S: Final = 3600.0
"""Seconds between two looks at what time does to certificates."""


class Edge:
    """Both edges of the gateway, towards clients and towards backends.

    :ivar upstream_tls: how TLS is spoken with backends, by service.
    """

    def __init__(self, clock: Clock, settings: GatewaySettings, wall_clock: Callable[[], float]) -> None:
        """
        :param wall_clock: Unix time, by which certificates expire.
        :raises ConfigurationError: a file cannot be used.
        """
        self.upstream_tls = {
            name: UpstreamTls(upstream_tls_rules(service)) for name, service in settings.effective_services.items()
        }
        self._clock = clock
        self._settings = settings
        self._wall_clock = wall_clock
        over_tls = any(under_tls(description) is not None for description in settings.endpoints)
        self._server = TlsServer(tls_rules(settings)) if over_tls else None
        self._proxied: list[ProxiedFactory] = []
        self._refused: Counter[str] = Counter()
        self._told_at = float("-inf")
        self.replaced: Callable[[str], None] = lambda message: None
        """Hears of files that have changed, and are used from now on."""

    def layers(self, description: str, factory: IProtocolFactory) -> tuple[str, IProtocolFactory]:
        """What goes before *factory* at a listener; see :data:`openprequal.listening.Layers`."""
        endpoint = under_tls(description)
        if endpoint is None:
            endpoint = description
        else:
            assert self._server is not None
            factory = self._server.factory(factory)
        if is_socket(endpoint):
            # What TLS of Twisted's (``ssl:``) has unwrapped begins with no header: that goes before TLS.
            factory = ProxiedFactory(
                factory,
                self._settings.proxy_protocol_from,
                now=self._clock.seconds,
                timeout_s=lambda: self._settings.header_timeout_seconds,
                refused=self._refused,
            )
            self._proxied.append(factory)
        return endpoint, factory

    def periodics(self) -> Sequence[Periodic]:
        """What happens again and again."""
        return (
            Periodic(self._clock, 0.5, self._expire, "PROXY protocol time-outs"),
            Periodic(self._clock, LOOK_S, self._look_again, "files of certificates"),
        )

    def prepare(self, settings: GatewaySettings) -> Callable[[], None]:
        """Read anew all files that *settings* name.

        :return: what puts it, and the settings, in place.
        :raises ConfigurationError: a file cannot be used.
        """
        steps = []
        joining: dict[str, UpstreamTls] = {}
        for name, service in settings.effective_services.items():
            rules = upstream_tls_rules(service)
            if name in self.upstream_tls:
                steps.append(self.upstream_tls[name].read.prepare(rules))
            else:
                joining[name] = UpstreamTls(rules)
        if self._server is not None:
            steps.append(self._server.shown.prepare(tls_rules(settings)))

        def put_in_place() -> None:
            self._settings = settings
            for name in self.upstream_tls.keys() - settings.effective_services.keys():
                del self.upstream_tls[name]
            self.upstream_tls |= joining
            for step in steps:
                step()
            for proxied in self._proxied:
                proxied.networks = settings.proxy_protocol_from
            self._tell()

        return put_in_place

    def doubts(self) -> list[str]:
        """What clients may not like about our certificates."""
        return self._server.doubts(self._wall_clock()) if self._server is not None else []

    def sample(self) -> EdgeSample:
        """For the metrics."""
        server = self._server
        return EdgeSample(
            {each.file: each.expires_at for each in server.certificates} if server is not None else {},
            server.failures if server is not None else {},
            self._refused,
        )

    def _expire(self) -> None:
        for proxied in self._proxied:
            proxied.expire()

    def _look_again(self) -> None:
        for name, tls in self.upstream_tls.items():
            if tls.read.look_again():
                self.replaced(f"what backends of {name} are believed by has changed, and is used from now on")
        replaced = self._server is not None and self._server.shown.look_again()
        if replaced:
            self.replaced("the certificates that clients are shown have changed, and are used from now on")
        if replaced or self._clock.seconds() - self._told_at >= TELL_S:
            self._tell()

    def _tell(self) -> None:
        self._told_at = self._clock.seconds()
        if self._server is not None:
            self._server.tell_doubts(self._wall_clock())


def tls_rules(settings: GatewaySettings) -> TlsRules:
    """What clients are shown and asked for."""
    return TlsRules(
        settings.tls_certificate,
        settings.tls_min_version,
        settings.tls_client_certificates,
        settings.tls_client_ca_file,
    )
