"""WorkerTracker: the load of an application of several processes and threads, counted in one of its processes."""

from threading import Lock
from typing import Final, Protocol

from openprequal.agent.load import InFlight, LoadTracker
from openprequal.agent.workers.rows import Row, SharedRows
from openprequal.agent.workers.whole import load_of
from openprequal.values import LoadReport, LoadState

LOOK_S: Final = 0.002
"""What the other processes say is read anew after so long, however many requests come meanwhile."""


class Clock(Protocol):
    """Time that all processes of a host share."""

    def seconds(self) -> float:
        """Monotonic."""


class WorkerTracker(LoadTracker):
    """Counts the requests in flight in this process, and reports those of all processes in whose rows it has one.

    Any thread may begin, answer and end requests. How many others a request had beside it means in all processes: a
    process that serves one request at a time could otherwise never learn what the others cost it.
    """

    __slots__ = ("_lock", "_looked_at", "_others", "_rows", "_served_elsewhere_s")

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)  # type: ignore[arg-type]
        self._lock = Lock()
        self._rows: SharedRows | None = None
        self._others: list[Row] = []
        self._looked_at = self._counted_at
        self._served_elsewhere_s = 0.0

    def join(self, rows: SharedRows | None) -> None:
        """From now on this process is one of several; None: alone again."""
        with self._lock:
            self._rows = rows
            self._look(self._seconds())
            self._publish()

    def publish(self) -> None:
        """Say in our row what is so now, because :attr:`state` was changed."""
        with self._lock:
            self._publish()

    def begin(self) -> "WorkerRequest":
        """A request has arrived: count it until the token's ``end``."""
        with self._lock:
            now = self._seconds()
            self._count(now)
            if now - self._looked_at > LOOK_S:
                self._look(now)
            elsewhere = sum([row.rif for row in self._others]) if self._others else 0
            token = WorkerRequest(self, int(self.rif + elsewhere), now, self._served_s + self._served_elsewhere(now))
            token.processes = len(self._others)
            self.rif += 1
            self._awaiting[token] = True
            self._publish()
        return token

    def report(self, rif: int | None = None, *, hint: bytes | None = None) -> LoadReport:
        """The load of all processes.

        :param rif: what counts as in flight in this process.
        """
        with self._lock:
            return self._report(self.rif if rif is None else rif)

    def _report(self, rif: int) -> LoadReport:
        now = self._seconds()
        if now - self._looked_at > LOOK_S:
            self._look(now)
        if not self._others:
            return super().report(rif)
        return load_of([self._row(), *self._others], now, self.rif - rif)

    def _row(self) -> Row:
        waiting_since = next(iter(self._awaiting)).started_at if self._awaiting else float("inf")
        return Row(
            self.rif,
            self._served_s,
            self._counted_at,
            waiting_since,
            self._last_head_at,
            self._estimator.knowledge(),
            self.state,
        )

    def _publish(self) -> None:
        if self._rows is not None:
            self._rows.write(self._row())

    def _look(self, now: float) -> None:
        self._looked_at = now
        self._others = self._rows.read(without_own=True) if self._rows is not None else []

    def _served_elsewhere(self, now: float) -> float:
        return sum([row.served_until(now) for row in self._others]) if self._others else 0.0

    def _beside(self, token: InFlight, latency_s: float) -> float:
        if isinstance(token, WorkerRequest) and token.processes != len(self._others):
            return token.rif_at_arrival  # one has come or gone, and with it what it had counted
        if latency_s <= 0.0:
            return token.rif_at_arrival
        served_s = self._served_s + self._served_elsewhere(self._counted_at) - token.served_before_s
        return max(0.0, served_s / latency_s - 1.0)

    @property
    def draining(self) -> bool:
        """True once the application as a whole wants no new requests."""
        return self.report().state is LoadState.DRAINING


class WorkerRequest(InFlight):
    """One request in flight; any thread may say that it was answered or has ended.

    :ivar processes: how many others there were when it arrived.
    """

    __slots__ = ("processes",)

    _tracker: WorkerTracker
    processes: int

    def head(self, sample: bool = True) -> None:
        """See :meth:`InFlight.head`."""
        tracker = self._tracker
        with tracker._lock:
            now = tracker._seconds()
            if now - tracker._looked_at > LOOK_S:
                tracker._look(now)
            super().head(sample)
            tracker._publish()

    def end(self) -> None:
        """See :meth:`InFlight.end`."""
        tracker = self._tracker
        with tracker._lock:
            super().end()
            tracker._publish()

    def report(self) -> LoadReport:
        """The load of all processes, without this request."""
        tracker = self._tracker
        with tracker._lock:
            return tracker._report(tracker.rif - (not self._ended))
