"""Assembly of a backend: settings in, one service out that listens, registers, and leaves in good order."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry
from treq.client import HTTPClient
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.logger import Logger
from twisted.web.client import Agent, HTTPConnectionPool, _HTTP11ClientFactory

from openprequal.agent.announcement import url_towards
from openprequal.agent.example import ExampleResource, ExampleSite
from openprequal.agent.heartbeat import Heartbeat, HttpClient, Registration
from openprequal.agent.hints import HintRule, WarmHints
from openprequal.agent.load import LoadTracker
from openprequal.agent.work import ProcessorSharing
from openprequal.config.agent import AgentSettings
from openprequal.listening import ListeningService
from openprequal.metrics.families import AgentMetrics, AgentSample
from openprequal.values import LoadState

GRACE_S = 5.0
"""How long a stop waits for the requests in flight; a container's ten seconds must not be over before."""

CONNECT_TIMEOUT_S = 5.0


def backend(reactor: Any, settings: AgentSettings, *, http: HttpClient | None = None) -> IService:
    """The example backend as a service.

    :param http: how gateways are talked to; None: over the network.
    :raises ListenFailed: (from its start) an address cannot be listened on.
    """
    warm = WarmHints(settings.warm_hints)
    tracker = LoadTracker(reactor, settings.latency_window_seconds, is_warm=warm.__contains__)
    registry = CollectorRegistry()
    work = ProcessorSharing(reactor, settings.cores)
    resource = ExampleResource(
        settings.shown_name,
        tracker,
        lambda: work.work(settings.work_seconds),
        registry,
        health_path=settings.backend_health_path,
        response_bytes=settings.response_bytes,
        hint_rule=HintRule.parse(settings.hint),
        warm=warm,
    )
    listening = ListeningService(reactor, settings.endpoints, ExampleSite(reactor, resource), settings.shown_name)
    heartbeats = _heartbeats(reactor, settings, tracker, http or _http(reactor)) if settings.register else []

    def sample() -> AgentSample:
        counts: Counter[str] = Counter()
        for heartbeat in heartbeats:
            counts.update(heartbeat.counts)
        load = tracker.report()
        return AgentSample(resource.status_counts, load.rif or 0.0, load.latency_s, tracker.average_latency_s, counts)

    AgentMetrics(registry, sample)
    return BackendService(reactor, tracker, listening, heartbeats)


class BackendService(MultiService):
    """Listens, then registers; at its end the other way round, with the requests in flight in between."""

    log = Logger()

    def __init__(
        self, reactor: Any, tracker: LoadTracker, listening: ListeningService, heartbeats: list[Heartbeat]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._clock = reactor
        self._tracker = tracker
        self._listening = listening
        self._heartbeats = heartbeats
        # Children start in this order: nobody is told of us before we listen.
        for service in (listening, *heartbeats):
            self.addService(service)  # type: ignore[no-untyped-call]

    def stopService(self) -> "Deferred[None]":
        """Drain, unregister, answer what is in flight (for at most :data:`GRACE_S`), stop listening."""
        self._tracker.state = LoadState.DRAINING
        return Deferred.fromCoroutine(self._leave())

    async def _leave(self) -> None:
        # Still listening, because the gateway sends requests until it has heard.
        await gatherResults([heartbeat.stopService() for heartbeat in self._heartbeats])
        await self._tracker.when_idle().addTimeout(GRACE_S, self._clock, onTimeoutCancel=self._out_of_time)
        await self._listening.stopService()
        self.running = False

    def _out_of_time(self, result: object, timeout_s: float) -> None:
        self.log.warn("ending with {rif} requests in flight", rif=self._tracker.rif)


class _QuietFactory(_HTTP11ClientFactory):
    """Two log lines a heartbeat say nothing that :class:`Heartbeat` does not say better."""

    noisy = False


def _http(reactor: Any) -> HttpClient:
    # A connection kept for half a minute until the next heartbeat is more often dead than useful.
    pool = HTTPConnectionPool(reactor, persistent=False)
    pool._factory = _QuietFactory
    return HTTPClient(Agent(reactor, connectTimeout=CONNECT_TIMEOUT_S, pool=pool))


def _heartbeats(reactor: Any, settings: AgentSettings, tracker: LoadTracker, http: HttpClient) -> list[Heartbeat]:
    registration = Registration(
        service=settings.service,
        weight=settings.weight,
        health_path=settings.backend_health_path,
        interval_s=settings.backend_heartbeat_seconds,
    )
    announced_url = settings.announced_url

    def announcement_to(proxy_url: str) -> "Callable[[], Deferred[str]]":
        if announced_url is not None:
            return lambda: succeed(announced_url)
        return lambda: url_towards(reactor, proxy_url, settings.port)

    token = settings.token.get_secret_value() if settings.token else None
    return [
        Heartbeat(
            reactor, http, Random(), proxy_url, registration, announcement_to(proxy_url), tracker.report, token=token
        )
        for proxy_url in settings.proxy_url
    ]
