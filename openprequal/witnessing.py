"""Who is told of every request, by these settings?"""

from collections.abc import Callable, Iterator, Sequence
from random import Random

from openprequal.access_log.formats import format_of
from openprequal.access_log.log import AccessLog
from openprequal.access_log.outlets import Outlets
from openprequal.access_log.stamps import Stamps
from openprequal.config.gateway import GatewaySettings
from openprequal.forwarding.journey import Witness
from openprequal.limiting.true_client import true_client
from openprequal.tracing.tracing import Tracing


class Witnessing:
    """Those who are told.

    :ivar outlets: where the access log goes.
    """

    def __init__(
        self, now: Callable[[], float], wall_clock: Callable[[], float], rng: Random, tracing: Tracing
    ) -> None:
        self.outlets = Outlets(now)
        self._now = now
        self._wall_clock = wall_clock
        self._rng = rng
        self._tracing = tracing
        self._latest: tuple[GatewaySettings, Sequence[Witness]] | None = None

    def of(self, settings: GatewaySettings) -> Sequence[Witness]:
        """Who is told while *settings* hold, in order; the same ones whenever it is asked about the same object.

        :raises ConfigurationError: a destination or a format cannot be used.
        """
        if self._latest is None or self._latest[0] is not settings:
            self._latest = settings, tuple(self._made(settings))
        return self._latest[1]

    def _made(self, settings: GatewaySettings) -> Iterator[Witness]:
        if settings.access_log is not None:
            yield AccessLog(
                self.outlets.writer(settings.access_log),
                format_of(
                    settings.access_log_format,
                    Stamps(self._now, self._wall_clock),
                    true_client(settings.trusted_proxies),
                    query=settings.access_log_query,
                ),
                self._rng.random,
                share=settings.access_log_sample,
                slow_s=settings.access_log_slow_seconds,
            )
        tracer = self._tracing.tracer(settings)
        if tracer is not None:
            yield tracer
