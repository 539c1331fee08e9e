"""Where will one more request wait least, by the worst latencies seen lately?"""

from collections.abc import Collection
from math import exp

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.explanation import TWO_DRAWN, explanation, same_draws
from openprequal.balancing.in_flight_counts import Counted, InFlightCounts
from openprequal.balancing.parameters import number, read_parameters
from openprequal.balancing.power_of_two import draw_two
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.values import Backend, Ending, LoadReport, Outcome, PickReason


@frozen
class PeakEwmaParameters:
    """What may be set on peak-EWMA."""

    decay_seconds: float = number(10.0, 0.001, 3600)
    """Time constant with which an estimate falls, towards lower latencies and, without requests, towards 0."""
    default_rtt_seconds: float = number(0.03, 1e-6, 3600)
    """Estimate of a backend that nothing is known of (Linkerd's value; tower's documentation has 1 s)."""
    failure_seconds: float = number(5.0, 0, 3600)
    """A failure doubles the estimate, up to this; 0: failures leave it alone."""


class _Peak(Counted):
    """A backend with the estimate of its latency at some moment, from which it decays."""

    __slots__ = ("at_s", "rtt_s")

    def __init__(self, backend: Backend) -> None:
        self.rtt_s = 0.0
        self.at_s = 0.0
        super().__init__(backend)


@implementer(IBalancer, IExplainsPicks)
class PeakEwma:
    """Of two backends drawn at random the one of lower ``latency * (in flight + 1) / weight``.

    The latency is a peak-EWMA: a sample above it raises it at once, one below it is averaged in by the time that passed
    since the last; without samples it falls towards 0, so that who is passed over gets a chance. So have it Finagle,
    Linkerd and tower (there every look at an estimate also counts as a sample of 0, so that it depends on how often one
    looks; not here). It is the best rule that needs nothing from the backends: take it where they do not report, above
    all if some are slower than others. Several gateways see each only its own part of the load.

    Failures: in Finagle and tower the time to a failure is a latency like any other, so that one who fails fast looks
    fast, and something else (failure accrual, circuit breaking) must take it out; Linkerd's later load biaser sets the
    estimate to a penalty of 5 s. Here a failure is never a sample: it doubles the estimate, up to ``failure_seconds``,
    so that a stray one costs little and one who fails often soon gets next to nothing. A request that was cancelled
    says nothing.
    """

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        self.parameters = given = read_parameters(PeakEwmaParameters, context.parameters, "peak_ewma")
        self.pick_counts = {PickReason.LEAST.value: 0}
        self._seconds = context.clock.seconds
        self._rng = context.rng
        self._random = context.rng.random
        self._fall = -1.0 / given.decay_seconds
        self._counts = InFlightCounts(self._new, context.rng.random)
        self._members = self._counts.up.members

    def _new(self, backend: Backend) -> _Peak:
        member = _Peak(backend)
        member.rtt_s = self.parameters.default_rtt_seconds
        member.at_s = self._seconds()
        return member

    def up(self, backend: Backend) -> None:
        self._counts.joined(backend)

    def down(self, backend: Backend) -> None:
        self._counts.left(backend)

    def reweighted(self, backend: Backend) -> None:
        self._counts.replaced(backend)

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        one, other = draw_two(self._members, exclude, self._random)
        if one is None:
            return None
        if other is not None:
            now_s, fall = self._seconds(), self._fall
            cost = one.rtt_s * exp(fall * (now_s - one.at_s)) * (one.in_flight + 1) * one.share
            if other.rtt_s * exp(fall * (now_s - other.at_s)) * (other.in_flight + 1) * other.share < cost:
                one = other
        self.pick_counts[PickReason.LEAST] += 1
        return one.backend

    def started(self, backend: Backend) -> None:
        self._counts.started(backend)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        member = self._counts.finished(backend)
        if member is None:
            return
        if outcome.failed:
            most_s = self.parameters.failure_seconds
            now_s = self._seconds()
            rtt_s = member.rtt_s * exp(self._fall * (now_s - member.at_s))
            if rtt_s < most_s:
                # From the default at least: twice next to nothing would still be next to nothing.
                member.rtt_s = min(most_s, 2.0 * max(rtt_s, self.parameters.default_rtt_seconds))
                member.at_s = now_s
        elif outcome.latency_s is not None and outcome.ending is Ending.RESPONSE:
            now_s = self._seconds()
            sample_s = outcome.latency_s
            if sample_s > member.rtt_s:
                member.rtt_s = sample_s
            else:
                kept = exp(self._fall * (now_s - member.at_s))
                member.rtt_s = member.rtt_s * kept + sample_s * (1.0 - kept)
            member.at_s = now_s

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""
        now_s = self._seconds()
        latencies = {each.id: each.rtt_s * exp(self._fall * (now_s - each.at_s)) for each in self._members}
        costs = {each.id: latencies[each.id] * (each.in_flight + 1) * each.share for each in self._members}
        with same_draws(self._rng):
            one, other = draw_two(self._members, exclude, self._random)
        drawn = [each.id for each in (one, other) if each is not None]
        pool = [
            Considered(id=each.id, figure=costs[each.id], compared=each.id in drawn, latency_s=latencies[each.id])
            for each in self._members
            if each.id not in exclude
        ]
        return explanation(
            min(drawn, key=costs.__getitem__, default=None),
            PickReason.LEAST,
            "latency in seconds times requests in flight and one more, for its weight",
            pool,
            tie="it was drawn first",
            draw=TWO_DRAWN,
        )
