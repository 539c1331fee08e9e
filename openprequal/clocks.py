"""Periodic: the one way something happens again and again."""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure


class Periodic:
    """Calls *tick* every *interval_s* seconds until stopped; a tick that fails is logged and counted, never fatal.

    ``LoopingCall`` and ``TimerService`` end at the first exception, silently in the latter's case. A tick may return an
    awaitable; the next one then waits for it.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, interval_s: float, tick: Callable[[], Awaitable[object] | None], name: str
    ) -> None:
        self.interval_s = interval_s
        self.name = name
        self.failures = 0
        self._tick = tick
        self._loop = LoopingCall(self._survive)
        self._loop.clock = clock

    @property
    def running(self) -> bool:
        return self._loop.running

    def start(self, now: bool = False) -> None:
        """Begin; the first tick comes after one interval, or at once if *now*. Harmless when running."""
        if not self._loop.running:
            self._loop.start(self.interval_s, now=now)

    def stop(self) -> None:
        """End. A tick under way goes on, but is the last. Harmless when stopped."""
        if self._loop.running:
            self._loop.stop()

    def _survive(self) -> "Deferred[None] | None":
        try:
            result = self._tick()
        except Exception:
            self._failed()
            return None
        if result is None:
            return None
        pending: Deferred[object] = result if isinstance(result, Deferred) else ensureDeferred(result)  # type: ignore[arg-type]
        return pending.addCallbacks(lambda _: None, lambda failure: self._failed(failure))

    def _failed(self, failure: Failure | None = None) -> None:
        self.failures += 1
        self.log.failure("{name}: tick failed, going on", name=self.name, failure=failure)
