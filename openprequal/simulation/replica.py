"""A simulated backend: what does it do with a request, and what does it report?"""

from collections.abc import Callable
from random import Random

from openprequal.agent.load import InFlight, LoadTracker
from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.serving import Job, Serving
from openprequal.values import Backend, LoadReport

Answered = Callable[[int, LoadReport | None], None]

_SPAN_S = 1.0
"""What a report says of utilisation and rates is of a span of so long."""


class Replica:
    """One backend: the real agent's tracker around a simulated server.

    :ivar expected: requests sent and not answered, those still on the network too; for the omniscient.
    """

    __slots__ = (
        "_clock",
        "_ended",
        "_failed",
        "_seen_s",
        "_told",
        "_worked_s",
        "allotted",
        "backend",
        "expected",
        "fails",
        "fails_after_s",
        "polled",
        "reports",
        "rng",
        "served",
        "serving",
        "tracker",
    )

    def __init__(self, clock: VirtualClock, backend: Backend, serving: Serving, rng: Random, *, reports: bool) -> None:
        """:param reports: it tells its load, in-band and to probes."""
        self.backend = backend
        self.serving = serving
        self.reports = reports
        self.polled = False
        """It tells its RIF alone, and to probes alone."""
        self.tracker = LoadTracker(clock)
        self.expected = 0
        self.served = 0
        self.fails = 0.0
        """Share of requests that it answers with 503, after ``fails_after_s`` and without serving them."""
        self.fails_after_s = 0.001
        self.allotted = serving.cores * serving.speed
        """Work a second that it was promised; what it uses is reported relative to that."""
        self._clock = clock
        self.rng = rng
        self._ended = 0
        self._failed = 0
        self._worked_s = 0.0
        self._seen_s = clock.now
        self._told: tuple[float | None, float | None, float | None] = (None, None, None)

    def arrive(self, work_s: float, answered: Answered, begun: Callable[[], None] | None = None) -> "Serve":
        """A request is here; *answered* hears the status and the report in its response.

        :param begun: hears when its response begins, if that is before its end.
        """
        return Serve(self, work_s, answered, begun)

    def report(self) -> LoadReport | None:
        """What it answers to a probe."""
        if not self.reports:
            return None
        if self.polled:
            return LoadReport(self.tracker.rif, None)
        return self.told(self.tracker.report())

    def told(self, report: LoadReport) -> LoadReport:
        """*report* with the utilisation, requests and errors a second of the last whole second, which the agent does
        not tell: weighted round robin lives on them."""
        now = self._clock.now
        elapsed_s = now - self._seen_s
        if elapsed_s >= _SPAN_S:
            worked_s = self.serving.worked_s()
            self._told = (
                (worked_s - self._worked_s) / elapsed_s / self.allotted,
                self._ended / elapsed_s,
                self._failed / elapsed_s,
            )
            self._worked_s = worked_s
            self._seen_s = now
            self._ended = self._failed = 0
        return LoadReport(report.rif, report.latency_s, report.state, *self._told)

    def _count(self, good: bool) -> None:
        self._ended += 1
        self._failed += not good


class Serve:
    """One request at a replica, until it is answered or given up."""

    __slots__ = ("_answered", "_job", "_replica", "_token")

    def __init__(self, replica: Replica, work_s: float, answered: Answered, begun: Callable[[], None] | None) -> None:
        self._replica = replica
        self._answered = answered
        self._token: InFlight = replica.tracker.begin()
        self._job: Job | None = None
        if replica.fails and replica.rng.random() < replica.fails:
            replica._clock.after(replica.fails_after_s, self._end, 503)
        else:
            self._job = Job(work_s, self._served, begun)
            replica.serving.begin(self._job)

    def give_up(self) -> None:
        """Nobody waits for the answer any more."""
        if self._job is not None:
            self._replica.serving.cancel(self._job)
            self._token.end()
            self._job = None
            self._replica._count(good=False)

    def _served(self) -> None:
        self._replica.served += 1
        self._end(200)

    def _end(self, status: int) -> None:
        self._job = None
        replica, token = self._replica, self._token
        replica._count(good=status == 200)
        token.head()
        report = replica.told(token.report()) if replica.reports and not replica.polled else None
        token.end()
        self._answered(status, report)
