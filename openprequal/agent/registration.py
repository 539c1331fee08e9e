"""Registration from the settings: what is told to which gateways, and how are they talked to?"""

from collections.abc import Callable
from random import Random
from typing import Any

from treq.client import HTTPClient
from twisted.internet.defer import Deferred, succeed
from twisted.web.client import Agent, HTTPConnectionPool, _HTTP11ClientFactory

from openprequal.agent.announcement import url_towards
from openprequal.agent.gateways import Gateways
from openprequal.agent.heartbeat import Heartbeat, HttpClient, Registration
from openprequal.agent.load import LoadTracker
from openprequal.config.agent import AgentSettings
from openprequal.config.tokens import Tokens

CONNECT_TIMEOUT_S = 5.0


class _QuietFactory(_HTTP11ClientFactory):
    """Two log lines a heartbeat say nothing that :class:`Heartbeat` does not say better."""

    noisy = False


def gateways_of(
    reactor: Any, settings: AgentSettings, tracker: LoadTracker, http: HttpClient | None = None
) -> Gateways | None:
    """The gateways that *settings* name, to be told of *tracker*'s load; None if none is to be told.

    :param http: how they are talked to; None: over the network.
    """
    if not settings.register:
        return None
    registration = Registration(
        service=settings.service,
        weight=settings.weight,
        health_path=settings.backend_health_path,
        interval_s=settings.backend_heartbeat_seconds,
        priority=settings.priority,
        zone=settings.zone,
    )
    client = http or _http(reactor)
    announced_url = settings.announced_url

    def announcement_to(proxy_url: str) -> "Callable[[], Deferred[str]]":
        if announced_url is not None:
            return lambda: succeed(announced_url)
        return lambda: url_towards(reactor, proxy_url, settings.port)

    tokens = Tokens(settings.token, settings.token_file, lambda why: Heartbeat.log.warn("{why}", why=why))
    rng = Random()

    def heartbeat_to(proxy_url: str) -> Heartbeat:
        announce = announcement_to(proxy_url)
        return Heartbeat(reactor, client, rng, proxy_url, registration, announce, tracker.report, token=tokens.first)

    return Gateways(reactor, reactor.nameResolver, settings.proxy_url, heartbeat_to)


def _http(reactor: Any) -> HttpClient:
    # A connection kept for half a minute until the next heartbeat is more often dead than useful.
    pool = HTTPConnectionPool(reactor, persistent=False)
    pool._factory = _QuietFactory
    return HTTPClient(Agent(reactor, connectTimeout=CONNECT_TIMEOUT_S, pool=pool))
