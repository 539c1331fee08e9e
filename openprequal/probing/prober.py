"""Whom do we ask for their load, and when?"""

from collections.abc import Callable, Sequence
from math import ceil, inf

from openprequal.interfaces import IProbeTransport
from openprequal.probing.budget import ProbeBudget
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.rate import FractionalRate
from openprequal.values import LoadReport

Draw = Callable[[int], Sequence[LoadEstimate]]
Ended = Callable[[LoadEstimate, LoadReport | None], None]


class Prober:
    """Sends probes: *rate* of them for each query, to backends drawn uniformly without replacement (section 4).

    Fewer where they would tell nothing new or cost too much: none to a backend that was asked or heard less than
    *interval_s* ago, none beyond the budget. (A draw that falls on such a backend counts as well: at thousands of
    queries a second nearly all would, and drawing them cost more than the pick itself.) Without queries, the idle
    probes: a round of the usual number each *idle_s*, and when the last query is *idle_stop_s* ago a single probe each
    *idle_s*, whoever it falls on.

    ``results`` counts probes by what became of them: ``sent``; ``answered``; ``unanswered`` (no report in time: says
    nothing against the backend); ``discarded`` (it was no longer up).
    """

    def __init__(
        self,
        transport: IProbeTransport,
        draw: Draw,
        ended: Ended,
        *,
        rate: float,
        interval_s: float,
        per_second: float,
        idle_s: float,
        idle_stop_s: float,
    ) -> None:
        """:param draw: that many different backends at random.
        :param ended: a probe to a backend that is still up was answered, or (None) was not.
        """
        self.results = {"sent": 0, "answered": 0, "unanswered": 0, "discarded": 0}
        self._transport = transport
        self._draw = draw
        self._ended = ended
        self._rate = FractionalRate(rate)
        self._round = ceil(rate)
        self._budget = ProbeBudget(per_second)
        self._interval_s = interval_s
        self._idle_s = idle_s
        self._idle_stop_s = idle_stop_s
        self._queried_s = -inf
        self._drew_s = -inf

    def queried(self, now_s: float) -> None:
        """A query was sent. Immediate."""
        self._queried_s = now_s
        count = self._rate.next()
        if count:
            self._ask(count, now_s)

    def joined(self, load: LoadEstimate, now_s: float) -> None:
        """*load* is new: ask it, rather than wait until a draw falls on it."""
        if self._budget.left(now_s):
            self._budget.spend(1)
            self._ask_one(load, now_s)

    def tick(self, now_s: float) -> None:
        """Send idle probes if they are due; call several times within *idle_s*."""
        if now_s - self._drew_s >= self._idle_s:
            self._ask(self._round if now_s - self._queried_s < self._idle_stop_s else 1, now_s)

    def _ask(self, count: int, now_s: float) -> None:
        self._drew_s = now_s
        count = min(count, self._budget.left(now_s))
        if not count:
            return
        self._budget.spend(count)
        recent_s = now_s - self._interval_s
        for load in self._draw(count):
            if load.probed_s <= recent_s and load.reported_s <= recent_s:
                self._ask_one(load, now_s)

    def _ask_one(self, load: LoadEstimate, now_s: float) -> None:
        load.probed_s = now_s
        self.results["sent"] += 1

        def answered(report: LoadReport | None) -> None:
            if not load.is_up:
                self.results["discarded"] += 1
                return
            self.results["unanswered" if report is None else "answered"] += 1
            self._ended(load, report)

        self._transport.probe(load.backend, answered)
