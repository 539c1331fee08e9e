"""What would another balancer pick? One that is asked beside the one that decides, and never followed."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from openprequal.interfaces import IBalancer, ICountsElsewhere, IPending, IRequest
from openprequal.probing.overheard import Overheard
from openprequal.probing.polled_probes import as_in_band
from openprequal.values import Backend, LoadReport, Outcome


@implementer(IBalancer, ICountsElsewhere)
class Shadowed:
    """*balancer*, and beside it *shadow*, which hears the same events and is asked for each pick.

    What the shadow answers is counted. It sees the outcomes of the other's picks, not of its own: where it would have
    sent more, it does not see what that would have done. It may probe nobody (:class:`Overheard`).

    A shadow that raises, or whose pick waits, is switched off: then this costs nothing any more.

    :ivar wrapped: the one that decides.
    :ivar shadow: the other; it stays to be looked at when it is off.
    :ivar off: why it was switched off; None: it was not.
    :ivar same: picks on which both agreed, by ``true`` and ``false``.
    """

    log = Logger()

    pick: Callable[[IRequest, Collection[str]], Backend | IPending | None]
    up: Callable[[Backend], None]
    down: Callable[[Backend], None]
    reweighted: Callable[[Backend], None]
    started: Callable[[Backend], None]
    finished: Callable[[Backend, Outcome], None]
    reported: Callable[[Backend, LoadReport], None]

    def __init__(
        self, balancer: IBalancer, shadow: IBalancer, overheard: Overheard, in_flight_at: Callable[[Backend], int]
    ) -> None:
        """
        :param overheard: what *shadow* was given to probe through.
        :param in_flight_at: what this gateway has outstanding at a backend.
        """
        self.wrapped = balancer
        self.shadow = shadow
        self.off: str | None = None
        self.same = {"true": 0, "false": 0}
        self.pick_counts = balancer.pick_counts
        self._overheard = overheard
        self._in_flight_at = in_flight_at
        self._picked: dict[str, int] = {}
        self._foreseen: dict[str, int] = {}
        self.pick = self._pick
        self.reported = self._reported
        self.up = self._both(balancer.up, shadow.up)
        self.down = self._both(balancer.down, shadow.down)
        self.reweighted = self._both(balancer.reweighted, shadow.reweighted)
        self.started = self._both(balancer.started, shadow.started)
        self.finished = self._both(balancer.finished, shadow.finished)

    def __getattr__(self, name: str) -> Any:
        # What some balancers have and others have not, for people to look at.
        return getattr(self.wrapped, name)

    def picks_of(self, backend_id: str) -> tuple[int, int]:
        """How often it was picked, and how often the shadow would have, since both are asked."""
        return self._picked.get(backend_id, 0), self._foreseen.get(backend_id, 0)

    @property
    def shares(self) -> Mapping[str, tuple[float, float]]:
        """Of all picks, the part of each backend, and the part that the shadow would have given it; by id."""
        picks, foreseen = sum(self._picked.values()) or 1, sum(self._foreseen.values()) or 1
        return {
            backend_id: (self._picked.get(backend_id, 0) / picks, self._foreseen.get(backend_id, 0) / foreseen)
            for backend_id in self._picked.keys() | self._foreseen.keys()
        }

    def overheard(self, backend: Backend, report: LoadReport) -> None:
        """*backend* has answered a probe of the one that decides."""
        if self.off is None:
            self._guarded(self._hear, backend, report)

    def elsewhere(self, backend: Backend, in_flight: int) -> None:
        """See :class:`~openprequal.interfaces.ICountsElsewhere`, which either may provide."""
        tell = getattr(self.wrapped, "elsewhere", None)
        if tell is not None:
            tell(backend, in_flight)
        tell = getattr(self.shadow, "elsewhere", None)
        if tell is not None and self.off is None:
            self._guarded(tell, backend, in_flight)

    def forget(self, backend: Backend) -> None:
        """It has left: it is counted no more."""
        self._picked.pop(backend.id, None)
        self._foreseen.pop(backend.id, None)
        self._guarded(self._overheard.forget, backend)

    def tick_shadow(self) -> None:
        """Called every ``tick_interval_s`` of the shadow, or often: time has passed for it."""
        if self.off is None:
            self._guarded(self._overheard.expire)
        if self.off is None and (tick := getattr(self.shadow, "tick", None)) is not None:
            self._guarded(tick)

    def _pick(self, request: IRequest, exclude: Collection[str]) -> Backend | IPending | None:
        picked: Backend | IPending | None = self.wrapped.pick(request, exclude)
        try:
            foreseen = self.shadow.pick(request, exclude)
            if foreseen is not None and not isinstance(foreseen, Backend):
                foreseen.cancel()
                self._switch_off("its picks wait")
                return picked
        except Exception:
            self._switch_off("it raised")
            return picked
        if picked is None or isinstance(picked, Backend):
            self._compare(picked, foreseen)
            return picked
        return _Compared(picked, foreseen, self._compare)

    def _compare(self, picked: Backend | None, foreseen: Backend | None) -> None:
        if picked is not None:
            self._picked[picked.id] = self._picked.get(picked.id, 0) + 1
        if foreseen is not None:
            self._foreseen[foreseen.id] = self._foreseen.get(foreseen.id, 0) + 1
        if picked is not None or foreseen is not None:
            alike = picked is not None and foreseen is not None and picked.id == foreseen.id
            self.same["true" if alike else "false"] += 1

    def _reported(self, backend: Backend, report: LoadReport) -> None:
        self.wrapped.reported(backend, report)
        try:
            if backend.id not in self._overheard.waiting:
                self.shadow.reported(backend, report)
                return
            if report.rif is not None and self._in_flight_at(backend):
                report = report._replace(rif=report.rif + 1.0)  # it leaves out the request that it answers
            self._overheard.told(backend, report)
        except Exception:
            self._switch_off("it raised")

    def _hear(self, backend: Backend, report: LoadReport) -> None:
        if not self._overheard.told(backend, report):
            self.shadow.reported(backend, as_in_band(report, self._in_flight_at(backend)))

    def _both(self, first: Callable[..., None], second: Callable[..., None]) -> Callable[..., None]:
        def tell(backend: Backend, *outcome: Outcome) -> None:
            first(backend, *outcome)
            try:
                second(backend, *outcome)
            except Exception:
                self._switch_off("it raised")

        return tell

    def _guarded(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            call(*arguments)
        except Exception:
            self._switch_off("it raised")

    def _switch_off(self, why: str) -> None:
        """Let the one that decides be alone."""
        if self.off is not None:
            return
        self.off = why
        kind = type(self.shadow).__name__
        if why == "it raised":
            self.log.failure("the shadow balancer {kind} has failed, and is switched off", kind=kind)
        else:
            self.log.error("the shadow balancer {kind} is switched off: {why}", kind=kind, why=why)
        alone = self.wrapped
        self.pick, self.up, self.down, self.reweighted = alone.pick, alone.up, alone.down, alone.reweighted
        self.started, self.finished, self.reported = alone.started, alone.finished, alone.reported


@implementer(IPending)
class _Compared:
    """A pick that waits, and what it is compared with when it is made."""

    def __init__(
        self,
        pending: IPending,
        foreseen: Backend | None,
        compare: Callable[[Backend | None, Backend | None], None],
    ) -> None:
        self._pending = pending
        self._foreseen = foreseen
        self._compare = compare

    def whenPicked(self, callback: Callable[[Backend | None], None]) -> None:
        """See :class:`~openprequal.interfaces.IPending`."""

        def picked(backend: Backend | None) -> None:
            self._compare(backend, self._foreseen)
            callback(backend)

        self._pending.whenPicked(picked)

    def cancel(self) -> None:
        """See :class:`~openprequal.interfaces.IPending`."""
        self._pending.cancel()
