"""LoadTracker: how many requests are in flight here, and how long would the next one take?"""

from collections.abc import Callable
from types import TracebackType

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from openprequal.agent.latency import LatencyEstimator
from openprequal.metrics.window import WindowAverage
from openprequal.values import LoadReport, LoadState, ReportFormat

# One is made for every response, and naming its parts takes as long as all the rest of a report.
_report = tuple.__new__


PATIENCE = 4.0
"""A silence counts as a latency of this part of it. Most silences are one long request, and no sign of trouble."""


def not_below_silence(latency_s: float | None, silence_s: float) -> float | None:
    """*latency_s*, or more if somebody has waited for *silence_s* seconds in which nobody had an answer."""
    silence_s /= PATIENCE
    return silence_s if silence_s > (latency_s or 0.0) else latency_s


class LoadTracker:
    """Counts the requests in flight at this backend and estimates their latency.

    A request is counted from :meth:`begin` until its :class:`InFlight` ends; that it ends exactly once is the token's
    promise, not the caller's.

    :ivar state: what the reports say of our readiness; assignable.
    """

    __slots__ = (
        "_average",
        "_awaited_s",
        "_awaiting",
        "_counted_at",
        "_estimator",
        "_is_warm",
        "_last_head_at",
        "_sampled_at",
        "_seconds",
        "_served_s",
        "_waiting_for_idle",
        "_warm_scale",
        "rif",
        "state",
    )

    def __init__(
        self,
        clock: IReactorTime,
        latency_window_s: float = 300.0,
        *,
        is_warm: Callable[[bytes], bool] | None = None,
        warm_scale: float = 10.0,
    ) -> None:
        """
        :param latency_window_s: how far :attr:`average_latency_s` looks back.
        :param is_warm: whether we hold in cache what a request with this hint (:mod:`openprequal.agent.hints`) needs.
        :param warm_scale: if we do, the load is told divided by this, to attract the request (section 4 of the paper).
        :raises ValueError: *warm_scale* is below 1.
        """
        if not warm_scale >= 1.0:
            raise ValueError(f"a load is scaled down, by 1 or more: {warm_scale}")
        self.rif = 0
        self.state = LoadState.READY
        self._is_warm = is_warm
        self._warm_scale = warm_scale
        self._seconds = clock.seconds
        self._estimator = LatencyEstimator()
        self._average = WindowAverage(latency_window_s)
        self._awaiting: dict[InFlight, bool] = {}
        """Those without a response head yet, oldest first: an ordered set (of which True is a member)."""
        self._last_head_at = self._counted_at = self._sampled_at = clock.seconds()
        self._served_s = 0.0
        """Seconds that requests have been in flight here, summed over requests, until ``_counted_at``."""
        self._awaited_s = 0.0
        """The same of those without a head, since the last sample."""
        self._waiting_for_idle: list[Deferred[None]] = []

    def begin(self) -> "InFlight":
        """A request has arrived: count it until the token's ``end``."""
        now = self._seconds()
        self._count(now)
        token = InFlight(self, self.rif, now, self._served_s)
        self.rif += 1
        self._awaiting[token] = True
        return token

    def report(self, rif: int | None = None, *, hint: bytes | None = None) -> LoadReport:
        """Our load now.

        :param rif: the requests in flight to report instead of all of them (see :meth:`InFlight.report`).
        :param hint: that of the probe to be answered, if it has one: the load is scaled down if we are warm for it.
        """
        if rif is None:
            rif = self.rif
        now = self._seconds()
        latency_s = self._estimator.estimate(rif, now)
        # Silence must not look fast (PREQUAL.md section 4). A server that hangs finishes nothing, so that its samples
        # stay those of better times; but whoever waits for a head now has waited already, and nobody has had one since.
        # Either alone would mislead: a long poll among quick requests is old, an idle server is silent.
        if self._awaiting:
            oldest = next(iter(self._awaiting))
            latency_s = not_below_silence(latency_s, now - max(oldest.started_at, self._last_head_at))
        if hint is not None and self._is_warm is not None and self._is_warm(hint):
            scale = self._warm_scale
            return LoadReport(rif / scale, None if latency_s is None else latency_s / scale, self.state)
        return _report(LoadReport, (rif, latency_s, self.state, None, None, None, ReportFormat.OPENPREQUAL))

    @property
    def draining(self) -> bool:
        """True once we want no new requests."""
        return self.state is LoadState.DRAINING

    @property
    def average_latency_s(self) -> float | None:
        """Mean latency over the window, for people; None if it is empty."""
        return self._average.average(self._seconds())

    def when_idle(self) -> "Deferred[None]":
        """Fires when no request is in flight; at once if none is now."""
        idle: Deferred[None] = Deferred(lambda waiting: self._waiting_for_idle.remove(waiting))
        self._waiting_for_idle.append(idle)
        self._tell_if_idle()
        return idle

    def _count(self, now: float) -> None:
        """Before one comes, answers or goes: how many there were until *now*."""
        elapsed_s = now - self._counted_at
        self._served_s += elapsed_s * self.rif
        self._awaited_s += elapsed_s * len(self._awaiting)
        self._counted_at = now

    def _sample(self, token: "InFlight", latency_s: float, now: float) -> None:
        awaited_s, self._awaited_s = self._awaited_s, 0.0
        self._sampled_at = now
        self._estimator.add(self._beside(token, latency_s), latency_s, now, awaited_s)

    def _forget(self, token: "InFlight", now: float) -> None:
        """It is no sample, so that what it has waited must not count as part of the next one."""
        self._awaited_s -= now - max(token.started_at, self._sampled_at)

    def _beside(self, token: "InFlight", latency_s: float) -> float:
        """How many others *token* had beside it, on average over the *latency_s* until ``_counted_at``."""
        if latency_s <= 0.0:
            return token.rif_at_arrival
        return max(0.0, (self._served_s - token.served_before_s) / latency_s - 1.0)

    def _gave_up(self, token: "InFlight") -> None:
        """It ended without a head: its client would have had to wait longer still.

        Left out, the slowest requests of an overloaded backend, those beyond the clients' time-outs, would never count;
        taken in always, clients that leave early would make us look fast.
        """
        now = self._seconds()
        waited_s = now - token.started_at
        expected_s = self._estimator.estimate(token.rif_at_arrival, now)
        if expected_s is not None and waited_s > expected_s:
            self._sample(token, waited_s, now)

    def _tell_if_idle(self) -> None:
        if self.rif == 0:
            idle, self._waiting_for_idle = self._waiting_for_idle, []
            for waiting in idle:
                waiting.callback(None)


class InFlight:
    """One request in flight; as a context manager it ends with the block.

    :ivar rif_at_arrival: how many others were in flight when it arrived.
    """

    __slots__ = ("_ended", "_tracker", "rif_at_arrival", "served_before_s", "started_at")

    def __init__(self, tracker: LoadTracker, rif_at_arrival: int, started_at: float, served_before_s: float) -> None:
        self.rif_at_arrival = rif_at_arrival
        self.served_before_s = served_before_s
        self.started_at = started_at
        self._tracker = tracker
        self._ended = False

    def head(self, sample: bool = True) -> None:
        """The application has handed over the response head: the latency sample ends here. The first call counts.

        :param sample: False for 101, CONNECT and event streams, whose head says nothing about the load (PREQUAL.md
            section 5).
        """
        tracker = self._tracker
        if self not in tracker._awaiting:
            return
        now = tracker._last_head_at = tracker._seconds()
        tracker._count(now)
        del tracker._awaiting[self]
        if sample:
            latency_s = now - self.started_at
            if latency_s < 0.0:  # the clock was set back
                latency_s = 0.0
            tracker._sample(self, latency_s, now)
            tracker._average.add(latency_s, now)
        else:
            tracker._forget(self, now)

    def end(self) -> None:
        """The response has ended, or never will: count down. The first call counts."""
        if self._ended:
            return
        self._ended = True
        tracker = self._tracker
        tracker._count(tracker._seconds())
        tracker.rif -= 1
        if tracker._awaiting and tracker._awaiting.pop(self, False):
            tracker._gave_up(self)
        if tracker._waiting_for_idle:
            tracker._tell_if_idle()

    def report(self) -> LoadReport:
        """The load to tell in-band: without this request, so that it compares with a probe's (section 5)."""
        return self._tracker.report(self._tracker.rif - (not self._ended))

    def __enter__(self) -> "InFlight":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
