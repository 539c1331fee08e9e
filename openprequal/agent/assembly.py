"""Assembly of the example backend: settings in, one service out that listens, registers, and leaves in good order."""

from typing import Any

from prometheus_client import CollectorRegistry
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred

from openprequal.agent.example import ExampleResource, ExampleSite
from openprequal.agent.gateways import Gateways
from openprequal.agent.heartbeat import HttpClient
from openprequal.agent.hints import HintRule, WarmHints
from openprequal.agent.leaving import leave
from openprequal.agent.load import LoadTracker
from openprequal.agent.registration import gateways_of
from openprequal.agent.work import ProcessorSharing
from openprequal.config.agent import AgentSettings
from openprequal.listening import ListeningService
from openprequal.metrics.families import AgentMetrics, AgentSample


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
        report_formats=settings.report_formats,
    )
    listening = ListeningService(reactor, settings.endpoints, ExampleSite(reactor, resource), settings.shown_name)
    gateways = gateways_of(reactor, settings, tracker, http)

    def sample() -> AgentSample:
        load = tracker.report()
        counts = gateways.counts if gateways is not None else {}
        return AgentSample(resource.status_counts, load.rif or 0.0, load.latency_s, tracker.average_latency_s, counts)

    AgentMetrics(registry, sample)
    return BackendService(reactor, tracker, listening, gateways, settings.shutdown_grace_seconds)


class BackendService(MultiService):
    """Listens, then registers; at its end the other way round, with the requests in flight in between."""

    def __init__(
        self,
        reactor: Any,
        tracker: LoadTracker,
        listening: ListeningService,
        gateways: Gateways | None,
        grace_s: float,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._clock = reactor
        self._tracker = tracker
        self._listening = listening
        self._gateways = gateways
        self._grace_s = grace_s
        # Children start in this order: nobody is told of us before we listen.
        for service in (listening, gateways) if gateways is not None else (listening,):
            self.addService(service)  # type: ignore[no-untyped-call]

    def stopService(self) -> "Deferred[None]":
        """Drain, unregister, answer what is in flight (within the grace), stop listening."""
        return Deferred.fromCoroutine(self._leave())

    async def _leave(self) -> None:
        await leave(self._clock, self._tracker, self._gateways, self._grace_s)
        await self._listening.stopService()
        self.running = False
