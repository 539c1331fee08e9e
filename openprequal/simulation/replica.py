"""A simulated backend: what does it do with a request, and what does it report?"""

from collections.abc import Callable
from random import Random

from openprequal.agent.load import InFlight, LoadTracker
from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.serving import Job, Serving
from openprequal.values import Backend, LoadReport, LoadState

Answered = Callable[[int, LoadReport | None], None]


class Replica:
    """One backend: the real agent's tracker around a simulated server.

    :ivar expected: requests sent and not answered, those still on the network too; for the omniscient.
    """

    __slots__ = (
        "_busy_s",
        "_clock",
        "_rng",
        "_seen_s",
        "_utilization",
        "allotted",
        "backend",
        "expected",
        "fails",
        "fails_after_s",
        "reports",
        "served",
        "serving",
        "tracker",
        "up",
    )

    def __init__(self, clock: VirtualClock, backend: Backend, serving: Serving, rng: Random, *, reports: bool) -> None:
        """:param reports: it tells its load, in-band and to probes."""
        self.backend = backend
        self.serving = serving
        self.reports = reports
        self.tracker = LoadTracker(clock)
        self.expected = 0
        self.up = True
        self.served = 0
        self.fails = 0.0
        """Share of requests that it answers with 503, after ``fails_after_s`` and without serving them."""
        self.fails_after_s = 0.001
        self.allotted = serving.cores * serving.speed
        """Work a second that it was promised; what it uses is reported relative to that."""
        self._clock = clock
        self._rng = rng
        self._busy_s = 0.0
        self._seen_s = clock.now
        self._utilization: float | None = None

    def arrive(self, work_s: float, answered: Answered) -> "Serve | None":
        """A request is here; *answered* hears the status and the report in its response."""
        if not self.up:
            answered(0, None)
            return None
        return Serve(self, work_s, answered)

    def report(self) -> LoadReport | None:
        """What it answers to a probe."""
        if not (self.up and self.reports):
            return None
        return self.told(self.tracker.report())

    def told(self, report: LoadReport) -> LoadReport:
        """*report* with the utilisation of the last second, which the agent cannot know here."""
        now = self._clock.now
        elapsed_s = now - self._seen_s
        if elapsed_s >= 1.0:
            self._utilization = self._busy_s / elapsed_s / self.allotted
            self._busy_s = 0.0
            self._seen_s = now
        return report._replace(utilization=self._utilization) if self._utilization is not None else report

    def drain(self) -> None:
        """From now on its reports say that it wants no more."""
        self.tracker.state = LoadState.DRAINING


class Serve:
    """One request at a replica, until it is answered or given up."""

    __slots__ = ("_answered", "_job", "_replica", "_token")

    def __init__(self, replica: Replica, work_s: float, answered: Answered) -> None:
        self._replica = replica
        self._answered = answered
        self._token: InFlight = replica.tracker.begin()
        self._job: Job | None = None
        if replica.fails and replica._rng.random() < replica.fails:
            replica._clock.after(replica.fails_after_s, self._end, 503)
        else:
            self._job = Job(work_s, self._served)
            replica.serving.begin(self._job)

    def give_up(self) -> None:
        """Nobody waits for the answer any more."""
        if self._job is not None:
            self._replica.serving.cancel(self._job)
            self._token.end()
            self._job = None
            self._answered = _unheard

    def _served(self) -> None:
        assert self._job is not None
        self._replica._busy_s += self._job.work_s
        self._replica.served += 1
        self._end(200)

    def _end(self, status: int) -> None:
        self._job = None
        replica, token = self._replica, self._token
        token.head()
        report = replica.told(token.report()) if replica.reports else None
        token.end()
        self._answered(status, report)


def _unheard(status: int, report: LoadReport | None) -> None:
    pass
