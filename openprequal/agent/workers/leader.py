"""Leader: what does the one process do that speaks for all of them? It registers, and answers probes."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

from openprequal.agent.announcement import local_address
from openprequal.agent.heartbeat_body import UNREGISTER_TIMEOUT_S, Registration, address_of
from openprequal.agent.workers.gateway_thread import GatewayThread
from openprequal.agent.workers.gateway_threads import GatewayThreads
from openprequal.agent.workers.probe_server import ProbeServer
from openprequal.config.middleware import MiddlewareSettings
from openprequal.config.tokens import Tokens
from openprequal.values import LoadReport

_log = logging.getLogger("openprequal.agent")


class Leader:
    """Begins at once; ends with :meth:`unregister` if the application does, and with :meth:`close` in any case.

    :ivar probe_port: where probes are answered; None: nowhere but on the application's own port.
    """

    def __init__(
        self, settings: MiddlewareSettings, load: Callable[[], LoadReport], rng: Random, last_probe_port: int = 0
    ) -> None:
        """
        :param load: of the whole application.
        :param last_probe_port: where the leader before this one answered probes, to do so there again.
        """
        self._probes = _probe_server(settings, load, last_probe_port)
        self.probe_port = self._probes.port if self._probes is not None else None
        registration = Registration(
            service=settings.service,
            weight=settings.weight,
            health_path=settings.backend_health_path,
            interval_s=settings.backend_heartbeat_seconds,
            priority=settings.priority,
            zone=settings.zone,
            probe_port=self.probe_port,
        )
        tokens = Tokens(settings.token, settings.token_file, _log.warning)
        self._gateways = GatewayThreads(
            settings.proxy_url,
            lambda url: GatewayThread(url, registration, partial(_announced, settings, url), load, rng, tokens.first),
        )

    def unregister(self) -> None:
        """Tell all gateways at once; returns when they have answered, or not within the time they have. Once."""
        self._gateways.end(unregister=True)
        self._gateways.join(UNREGISTER_TIMEOUT_S)

    def close(self) -> None:
        """No more heartbeats, and no more answers to probes."""
        self._gateways.end(unregister=False)
        if self._probes is not None:
            self._probes.close()

    def forget(self) -> None:
        """In a child that was forked: close what is the parent's."""
        if self._probes is not None:
            self._probes.forget()


def _announced(settings: MiddlewareSettings, proxy_url: str) -> str:
    """:raises OSError: our address towards the gateway cannot be found now."""
    if settings.announced_url is not None:
        return settings.announced_url
    address = local_address(*address_of(proxy_url))
    return f"http://[{address}]:{settings.port}" if ":" in address else f"http://{address}:{settings.port}"


def _probe_server(
    settings: MiddlewareSettings, load: Callable[[], LoadReport], last_probe_port: int
) -> ProbeServer | None:
    wanted = settings.probe_port
    if wanted is None:
        return None
    if not wanted:
        with suppress(OSError):
            return ProbeServer(load, last_probe_port, settings.report_formats, local_only=settings.local_only)
    try:
        return ProbeServer(load, wanted, settings.report_formats, local_only=settings.local_only)
    except OSError as error:
        _log.error("probe_port %d: %s; probes go to the health path instead", wanted, error)
        return None
