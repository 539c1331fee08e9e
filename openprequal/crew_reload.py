"""How do a parent and its workers take other settings? The parent first, then one worker after the other."""

import json
from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from openprequal.balancing.catalogue import BALANCERS
from openprequal.balancing.maglev import Maglev
from openprequal.balancing.ring_hash import RingHash
from openprequal.config.changes import changed, needing_restart
from openprequal.config.gateway import GatewaySettings
from openprequal.config.names import resolve
from openprequal.config.services import ServiceSettings
from openprequal.data_plane import Clock
from openprequal.errors import ConfigurationError, NeedsRestart
from openprequal.interfaces import IBalancer
from openprequal.survey import objections
from openprequal.tracing.exporter import LAST_TRY_S
from openprequal.workers.crew import Crew
from openprequal.workers.framing import Message
from openprequal.workers.worker import Worker

RELOAD_S: Final = 20.0
"""A worker that has not taken the settings by then is replaced."""
LONGER_S: Final = LAST_TRY_S + 1.0
"""The parent waits for its workers so much longer than they for their requests: then they send the last spans."""

_HASHING: Final = (RingHash, Maglev)
_SEES_ANY_PART: Final = tuple(make for make in BALANCERS.values() if make not in _HASHING)


class CrewReload:
    """Reads the settings again; what is wrong with them is found before anybody takes them.

    :ivar own_settings: what the parent goes by itself.
    :ivar settings: what the workers go by.
    """

    log = Logger()

    def __init__(
        self, reactor: Clock, settings: GatewaySettings, reread: Callable[[], GatewaySettings], crew: Crew
    ) -> None:
        """:raises ConfigurationError: something that *settings* name cannot be made."""
        self.own_settings = of_parent(settings)
        self.take: Callable[[], object] = lambda: None
        """Lets the parent take :attr:`own_settings`."""
        self.taken: Callable[[Sequence[str], str], None] = lambda names, by: None
        """Told the names of what has changed, and who wanted it, before the workers take it."""
        self.not_taken: Callable[[str, str], None] = lambda why, by: None
        """Told why nothing has changed, and who wanted it."""
        self._reactor = reactor
        self.settings = settings
        self._reread = reread
        self._crew = crew
        self._one_at_a_time = DeferredLock()
        self._check(settings)

    def __call__(self, by: str) -> "Deferred[Sequence[str]]":
        """Do it; whatever is wrong with the settings has changed nothing.

        :param by: who wants it.
        :return: the names of the settings that changed.
        :raises ConfigurationError: (errback) as at the start.
        :raises NeedsRestart: (errback) settings have changed that cannot while the gateway runs.
        """
        # Whoever asks may lose interest: what has begun goes on, or a worker would seem not to answer.
        names: Deferred[Sequence[str]] = Deferred()
        self._one_at_a_time.run(lambda: Deferred.fromCoroutine(self._reload(by))).chainDeferred(names)
        return names

    def on_signal(self) -> None:
        """Do it where nobody waits for an answer but the log."""
        self("SIGHUP").addErrback(lambda failure: failure.trap(ConfigurationError)).addErrback(
            lambda failure: self.log.failure("settings not reloaded", failure=failure)
        )

    def needs_all(self, service: str) -> bool:
        """Whether each worker needs all backends of *service*: where they hash alike, and where sessions stay."""
        effective = self.settings.effective_services.get(service)
        if effective is None:
            return False
        make = resolve(effective.load_balancer_class, "load_balancer_class", BALANCERS, IBalancer)
        return effective.sticky != "no" or make not in _SEES_ANY_PART

    async def _reload(self, by: str) -> Sequence[str]:
        before = self.own_settings
        try:
            new = self._reread()
            names = changed(self.settings, new)
            fixed = needing_restart(names)
            if fixed:
                raise NeedsRestart(f"{', '.join(fixed)}: cannot change while the gateway runs: restart it")
            self._check(new)
            self.own_settings = of_parent(new)
            self.take()
        except ConfigurationError as error:
            self.own_settings = before
            self.log.error("settings not reloaded, nothing has changed: {reason}", reason=error)
            self.not_taken(str(error), by)
            raise
        self.settings = new
        self.taken(names, by)
        for worker in self._crew.live:
            why_not = _why_not(await worker.ask("reload", timeout_s=RELOAD_S))
            if why_not is not None and worker in self._crew.live:
                self._replace(worker, why_not)
        self.log.info("settings reloaded by {by}: {names}", by=by, names=", ".join(names) or "nothing has changed")
        return names

    def _replace(self, worker: Worker, why: str) -> None:
        self.log.error("worker {index} is replaced: settings not reloaded: {why}", index=worker.index, why=why)
        self._crew.replace(worker)

    def _check(self, settings: GatewaySettings) -> None:
        """The parent makes no balancers, so that it would not find what is wrong with them."""
        for error in objections(self._reactor, settings):
            raise error


def _why_not(answer: list[Message] | None) -> str | None:
    if answer is None:
        return f"no answer within {RELOAD_S:g} s"
    error: str | None = json.loads(answer[0].payload).get("error")
    return error


def of_parent(settings: GatewaySettings) -> GatewaySettings:
    """*settings* for a process that checks backends, and never picks one nor asks any for its load."""
    nothing: dict[str, object] = {
        "load_balancer_class": "round_robin",
        "balancer_parameters": {},
        "report_poll_seconds": None,
        "shadow_balancer": None,
        "shadow_balancer_parameters": {},
    }
    nothing |= {"sticky": "no", "hedge_percentile": None, "service_max_in_flight": None}
    services = {}
    for name, effective in settings.effective_services.items():
        # Those that are polled say nothing of their state.
        polled = {"report_format": "none"} if effective.report_poll_seconds is not None else {}
        services[name] = settings.services.get(name, ServiceSettings()).model_copy(update=nothing | polled)
    longer_s = settings.shutdown_grace_seconds + LONGER_S
    return settings.model_copy(update={**nothing, "services": services, "shutdown_grace_seconds": longer_s})
