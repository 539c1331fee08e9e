"""Who traces requests, by these settings, and what is to be done for it beside them?"""

import socket
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, _HTTP11ClientFactory
from twisted.web.iweb import IAgent

import openprequal
from openprequal.config.gateway import GatewaySettings
from openprequal.forwarding.journey import Journey
from openprequal.metrics.exemplars import Exemplars
from openprequal.networks import is_within
from openprequal.tracing.exporter import Destination, Exporter
from openprequal.tracing.trace import Trace
from openprequal.tracing.tracer import Tracer

CONNECT_TIMEOUT_S: Final = 5.0
IDLE_S: Final = 5
"""How long a connection to a collector is kept; collectors keep them for minutes."""


class _QuietFactory(_HTTP11ClientFactory):
    """Two log lines a connection say nothing."""

    noisy = False


class Tracing:
    """Makes tracers, and sends what they tell.

    :ivar counts: spans so far, by what became of them.
    :ivar exemplars: recorded requests, for the metrics.
    """

    def __init__(self, reactor: Any, rng: Random, wall_clock: Callable[[], float], agent: IAgent | None = None) -> None:
        """
        :param wall_clock: Unix time.
        :param agent: posts spans; None: Twisted's.
        """
        self.counts: Counter[str] = Counter(exported=0, queue_full=0, refused=0, unreachable=0)
        self.exemplars = Exemplars(wall_clock)
        self._reactor = reactor
        self._bits = rng.getrandbits
        self._wall_clock = wall_clock
        self._agent = agent
        self._instance = f"{socket.gethostname()}-{rng.getrandbits(32):08x}"
        self._pool: HTTPConnectionPool | None = None
        # One a destination there ever was: what was told before a reload is sent where it was to be sent.
        self._exporters: dict[Destination, Exporter] = {}

    def tracer(self, settings: GatewaySettings) -> Tracer | None:
        """Who traces requests while *settings* hold; None: nobody."""
        url = settings.traces_url
        if url is None:
            return None
        destination = Destination(
            url.encode("ascii"),
            (
                ("service.name", settings.tracing_service_name),
                ("service.version", openprequal.__version__),
                ("service.instance.id", self._instance),
            ),
            tuple((name.encode("ascii"), value.encode("ascii")) for name, value in settings.tracing_fields),
        )
        tell = partial(self._told, self._exporter(destination).add)
        return Tracer(_believing(settings), settings.tracing_sample, self._bits, tell)

    def tick(self) -> None:
        """Called once a second."""
        for exporter in self._exporters.values():
            exporter.tick()

    def close(self) -> "Deferred[None]":
        """Send what is left, for a moment, and hang up. Never fails."""
        return DeferredList([exporter.close() for exporter in self._exporters.values()]).addCallback(self._closed)

    def _closed(self, _: object) -> None:
        if self._pool is not None:
            self._pool.closeCachedConnections()

    def _told(self, add: Callable[[Journey, Trace], None], journey: Journey, trace: Trace) -> None:
        add(journey, trace)
        if journey.service is not None:
            duration_s = journey.ended_at - journey.began_at
            self.exemplars.saw(journey.service, trace.trace_id, trace.span_id, duration_s)

    def _exporter(self, destination: Destination) -> Exporter:
        exporter = self._exporters.get(destination)
        if exporter is None:
            exporter = self._exporters[destination] = Exporter(
                self._reactor,
                self._posting(),
                destination,
                wall_clock=self._wall_clock,
                bits=self._bits,
                counts=self.counts,
            )
        return exporter

    def _posting(self) -> IAgent:
        if self._agent is None:
            pool = self._pool = HTTPConnectionPool(self._reactor)
            pool._factory = _QuietFactory
            pool.cachedConnectionTimeout = IDLE_S
            self._agent = Agent(self._reactor, BrowserLikePolicyForHTTPS(), CONNECT_TIMEOUT_S, pool=pool)
        return self._agent


def _believing(settings: GatewaySettings) -> Callable[[str], bool]:
    """Whether clients of an address say which trace a request is of."""
    if settings.tracing_parents == "trusted":
        return partial(is_within, networks=settings.trusted_proxies)
    believed = settings.tracing_parents == "all"
    return lambda client: believed
