"""Whose turn is it, when turns follow how much each backend gets done for what it has in use?"""

from collections.abc import Collection, Mapping
from math import exp, inf

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.explanation import nobody
from openprequal.balancing.in_flight_counts import InFlightCounts
from openprequal.balancing.parameters import number, read_parameters
from openprequal.balancing.weighted_turns import Turned, WeightedTurns
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.probing.polling import Polling
from openprequal.values import Backend, Ending, LoadReport, Outcome, PickReason

_LEAST_OF_MEAN = 0.01
_MOST_OF_MEAN = 10.0
"""Bounds of a weight, as multiples of the mean: one odd report must not take or leave all traffic (gRPC's A58)."""
_LEAST_UTILIZATION = 1e-6


@frozen
class WeightedRoundRobinParameters:
    """What may be set on weighted round robin; the names and values are Envoy's where it has them."""

    update_seconds: float = number(1.0, 0.1, 3600)
    """Weights are computed anew once in so long."""
    smoothing_seconds: float = number(5.0, 0, 3600)
    """Time constant of the averages of goodput, utilisation and errors; 0: the last values alone."""
    error_penalty: float = number(1.0, 0, 1000)
    """Times the share of requests that fail, added to the utilisation."""
    blackout_seconds: float = number(10.0, 0, 3600)
    """A backend must have told its utilisation for so long before its own weight counts; till then the mean does."""
    expiry_seconds: float = number(180.0, 0.1, 86400)
    """A backend that has not told its utilisation for so long has the mean weight, and begins anew."""
    poll_interval_seconds: float = number(1.0, 0.05)
    """Every backend is asked for its utilisation once in so long; infinite: reports on responses alone count."""
    max_probes_per_second: float = number(1000, 1)
    """To all backends together, from this process; where it is reached the interval is longer."""


class _Capable(Turned):
    """A backend with what it gets done and what it uses for that."""

    __slots__ = ("capacity", "done", "eps", "failed", "failures", "first_s", "goodput", "rps", "told_s", "utilization")

    def __init__(self, backend: Backend) -> None:
        self.capacity: float | None = None
        """Goodput at full utilisation, as last computed; None: not known, or not yet to be relied on."""
        self.done = 0
        """Good responses to this process since the last update."""
        self.failed = 0
        """And requests that failed."""
        self.goodput: float | None = None
        """Good responses a second to this process, averaged; None: before the first update."""
        self.failures = 0.0
        """Failed requests a second, averaged."""
        self.rps: float | None = None
        """Requests a second by its own word, averaged."""
        self.eps = 0.0
        """And errors."""
        self.utilization = 0.0
        self.first_s = inf
        self.told_s = -inf
        super().__init__(backend)


@implementer(IBalancer, IExplainsPicks)
class WeightedRoundRobin:
    """Turns in proportion to goodput over utilisation, times the registered weight.

    The paper's WeightedRR, and Envoy's ``client_side_weighted_round_robin``: a backend's weight is what it gets done a
    second, divided by the utilisation it reports plus its share of errors times a penalty, all averaged. Goodput is
    what the backends report if every one of them that reports utilisation does so, else what this process measured.
    Where some report no utilisation they have the mean weight of the others; where nobody does it is round robin by
    the registered weights, which otherwise multiply (leave them at 1 where the utilisation tells the machine's size).

    Take it where requests are many and alike, and backends report a utilisation (ORCA, or ours): it evens utilisation
    out over seconds. It is blind to everything shorter: a backend that stalls goes on getting its turns, and near
    capacity the tail runs into the time-outs (the paper's Fig. 7).
    """

    tick_interval_s = 0.05

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        given = read_parameters(WeightedRoundRobinParameters, context.parameters, "weighted_round_robin")
        self.parameters = given
        self.pick_counts = {PickReason.ROTATION.value: 0}
        self._seconds = context.clock.seconds
        self._counts = InFlightCounts(_Capable, context.rng.random)
        self._turns: WeightedTurns[_Capable] = WeightedTurns(context.rng.random)
        self._mean = 1.0
        self._updated_s = context.clock.seconds()
        self._polling: Polling[_Capable] = Polling(
            context.probes,
            self._polled,
            interval_s=given.poll_interval_seconds,
            per_second=given.max_probes_per_second,
        )
        self.probe_results = self._polling.results

    def up(self, backend: Backend) -> None:
        member = self._counts.joined(backend)
        self._turns.add(member, self._weight(member))
        self._polling.add(member)

    def down(self, backend: Backend) -> None:
        member = self._counts.left(backend)
        if member is not None:
            self._turns.discard(member)
            self._polling.discard(member)

    def reweighted(self, backend: Backend) -> None:
        member = self._counts.replaced(backend)
        if member is not None and member.is_up:
            self._turns.add(member, self._weight(member))

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        member = self._turns.next(exclude)
        if member is None:
            return None
        self.pick_counts[PickReason.ROTATION] += 1
        return member.backend

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`; the figure is :meth:`weights`, the higher the more."""
        in_turn = self._turns.foresee(exclude)
        if not in_turn:
            return nobody("")
        weights = self.weights()
        first = in_turn[0].id
        return PickExplanation(
            picked=first,
            reason=PickReason.ROTATION.value,
            compares="",
            because=f"it is its turn; it has {weights[first]:.4g} turns for one of an average backend",
            pool=tuple(Considered(id=member.id, figure=weights[member.id]) for member in in_turn),
        )

    def started(self, backend: Backend) -> None:
        self._counts.started(backend)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        member = self._counts.finished(backend)
        if member is None:
            return
        if outcome.failed:
            member.failed += 1
        elif outcome.ending is Ending.RESPONSE:
            member.done += 1

    def reported(self, backend: Backend, report: LoadReport) -> None:
        member = self._counts.get(backend)
        if member is not None:
            self._polled(member, report)

    def _polled(self, member: _Capable, report: LoadReport | None) -> None:
        if report is None or report.utilization is None:
            return
        now_s = self._seconds()
        if now_s - member.told_s > self.parameters.expiry_seconds:
            member.first_s = now_s
            member.utilization = report.utilization
            member.rps = report.rps
            member.eps = report.eps or 0.0
        else:
            part = self._part(now_s - member.told_s)
            member.utilization += part * (report.utilization - member.utilization)
            if report.rps is None or member.rps is None:
                member.rps = report.rps
                member.eps = report.eps or 0.0
            else:
                member.rps += part * (report.rps - member.rps)
                member.eps += part * ((report.eps or 0.0) - member.eps)
        member.told_s = now_s

    def _part(self, passed_s: float) -> float:
        """The part of an average that a value of *passed_s* takes."""
        smoothing_s = self.parameters.smoothing_seconds
        return 1.0 - exp(-passed_s / smoothing_s) if smoothing_s else 1.0

    def tick(self) -> None:
        """Time has passed; call every :attr:`tick_interval_s`."""
        now_s = self._seconds()
        self._polling.tick(now_s)
        passed_s = now_s - self._updated_s
        if passed_s >= self.parameters.update_seconds:
            self._updated_s = now_s
            self._measure(passed_s)
            self._reckon(now_s)
            self._turns.reweigh(self._weight)

    def _measure(self, passed_s: float) -> None:
        part = self._part(passed_s)
        for member in self._counts.up:
            if member.goodput is None:
                member.goodput = member.done / passed_s
                member.failures = member.failed / passed_s
            else:
                member.goodput += part * (member.done / passed_s - member.goodput)
                member.failures += part * (member.failed / passed_s - member.failures)
            member.done = member.failed = 0

    def _reckon(self, now_s: float) -> None:
        given = self.parameters
        telling = []
        for member in self._counts.up:
            member.capacity = None
            silent_s = now_s - member.told_s
            if silent_s <= given.expiry_seconds and now_s - member.first_s >= given.blackout_seconds:
                telling.append(member)
        # All of the backend's requests and this gateway's part of them are not to be compared.
        by_their_word = all(member.rps is not None for member in telling)
        total, known = 0.0, 0
        for member in telling:
            if by_their_word:
                failures = member.eps
                goodput = (member.rps or 0.0) - failures
            else:
                failures = member.failures
                goodput = member.goodput or 0.0
            # Without requests there is nothing to learn of it.
            if goodput > 0.0:
                used = member.utilization + given.error_penalty * failures / (goodput + failures)
                member.capacity = goodput / max(used, _LEAST_UTILIZATION)
                total += member.capacity
                known += 1
        self._mean = total / known if known else 1.0

    def _weight(self, member: _Capable) -> float:
        mean = self._mean
        capacity = mean if member.capacity is None else member.capacity
        return min(max(capacity, _LEAST_OF_MEAN * mean), _MOST_OF_MEAN * mean) * member.backend.weight

    def weights(self) -> Mapping[str, float]:
        """Turns of each backend that is up for one turn of an average one of weight 1, by id. Not for the hot path."""
        return {member.id: self._weight(member) / self._mean for member in self._counts.up}
