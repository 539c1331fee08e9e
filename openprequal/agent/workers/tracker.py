"""WorkerTracker: the load of an application of several processes and threads, counted in one of its processes."""

from math import inf
from threading import Lock
from typing import Final, Protocol

from openprequal.agent.latency import Knowledge
from openprequal.agent.load import InFlight, LoadTracker
from openprequal.agent.workers.rows import SharedRows
from openprequal.agent.workers.whole import added_up, known_together, load
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

    __slots__ = ("_elsewhere", "_known", "_lock", "_looked_at", "_processes", "_rows")

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)  # type: ignore[arg-type]
        self._lock = Lock()
        self._rows: SharedRows | None = None
        self._processes = 0  # other ones
        self._elsewhere = added_up([], self._counted_at)
        self._known = Knowledge()  # to all together, when that was looked at
        self._looked_at = inf
        """Infinite as long as there is nowhere to look."""

    def join(self, rows: SharedRows | None) -> None:
        """From now on this process is one of several; None: alone again."""
        with self._lock:
            self._rows = rows
            self._look(self._seconds())
            if rows is not None:
                rows.count(self.rif, self._served_s, self._counted_at, self._waiting_since())
                rows.answered(self._last_head_at, self._estimator.knowledge())
                rows.tell(self.state)

    def begin(self) -> "WorkerRequest":
        """A request has arrived: count it until the token's ``end``."""
        with self._lock:
            now = self._seconds()
            self._count(now)
            if now - self._looked_at > LOOK_S:
                self._look(now)
            if self._processes:
                rif = int(self.rif + self._elsewhere.rif)
                token = WorkerRequest(self, rif, now, self._served_s + self._served_elsewhere(now))
            else:
                token = WorkerRequest(self, self.rif, now, self._served_s)
            token.processes = self._processes
            self.rif += 1
            self._awaiting[token] = True
            if self._rows is not None:
                self._rows.count(self.rif, self._served_s, now, next(iter(self._awaiting)).started_at)
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
        if not self._processes:
            return super().report(rif)
        elsewhere = self._elsewhere
        return load(
            rif + elsewhere.rif,
            self._known,
            min(self._waiting_since(), elsewhere.waiting_since),
            max(self._last_head_at, elsewhere.last_head_at),
            elsewhere.state if self.state is LoadState.DRAINING else self.state,
            now,
        )

    def _waiting_since(self) -> float:
        return next(iter(self._awaiting)).started_at if self._awaiting else inf

    def _look(self, now: float) -> None:
        others = [] if self._rows is None else self._rows.read(without_own=True)
        self._processes = len(others)
        self._elsewhere = added_up(others, now)
        if others:
            self._known = known_together([self._estimator.knowledge(), *[row.known for row in others]])
        self._looked_at = inf if self._rows is None else now

    def _served_elsewhere(self, now: float) -> float:
        elsewhere = self._elsewhere
        return elsewhere.served_s + elsewhere.rif * (now - elsewhere.counted_at)

    def _beside(self, token: InFlight, latency_s: float) -> float:
        if not self._processes:
            return super()._beside(token, latency_s)
        if latency_s <= 0.0 or (isinstance(token, WorkerRequest) and token.processes != self._processes):
            return token.rif_at_arrival  # of the latter: one has come or gone, and with it what it had counted
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
        self.answered(sample)

    def answered(self, sample: bool = True) -> LoadReport:
        """:meth:`head` and :meth:`report` at once, since the head is where the report goes."""
        tracker = self._tracker
        with tracker._lock:
            now = tracker._seconds()
            if now - tracker._looked_at > LOOK_S:
                tracker._look(now)
            InFlight.head(self, sample)
            rows = tracker._rows
            if rows is not None:
                rows.count(tracker.rif, tracker._served_s, tracker._counted_at, tracker._waiting_since())
                rows.answered(tracker._last_head_at, tracker._estimator.knowledge())
            return tracker._report(tracker.rif - (not self._ended))

    def end(self) -> None:
        """See :meth:`InFlight.end`."""
        if self._ended:
            return
        tracker = self._tracker
        with tracker._lock:
            InFlight.end(self)
            rows = tracker._rows
            if rows is not None:
                rows.count(tracker.rif, tracker._served_s, tracker._counted_at, tracker._waiting_since())

    def report(self) -> LoadReport:
        """The load of all processes, without this request."""
        tracker = self._tracker
        with tracker._lock:
            return tracker._report(tracker.rif - (not self._ended))
