"""Which of two backends had fewer requests when all were last polled?"""

from collections.abc import Collection

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.explanation import DRAWN, ONLY_ONE, TWO_DRAWN, explanation, nobody, same_draws
from openprequal.balancing.in_flight_counts import Counted, InFlightCounts
from openprequal.balancing.parameters import number, read_parameters
from openprequal.balancing.power_of_two import draw_two
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.probing.estimate import EstimateSource
from openprequal.probing.polling import Polling
from openprequal.values import Backend, LoadReport, Outcome, PickReason


@frozen
class YarpP2CParameters:
    """What may be set on the rule with polling."""

    poll_interval_seconds: float = number(0.5, 0.05, 3600)
    """Every backend is asked for its RIF once in so long (the paper's 500 ms)."""
    max_probes_per_second: float = number(1000, 1)
    """To all backends together, from this process; where it is reached the interval is longer."""


class _Polled(Counted):
    """A backend with the RIF of its last answer."""

    __slots__ = ("rif",)

    def __init__(self, backend: Backend) -> None:
        self.rif: float | None = None
        """None: it never answered."""
        super().__init__(backend)


@implementer(IBalancer, IExplainsPicks)
class YarpP2C:
    """Of two backends drawn at random the one of lower RIF for its weight, as polled from all at regular intervals.

    The paper's YARP-Po2C, as it was measured there (section 5.2): only polled answers count, reports on responses and
    our own requests do not, and between two polls the picture does not change. It is here to compare with. Take it
    where backends answer probes, cannot report on responses, and serve few requests in a poll interval; at higher rates
    the picture is old when it is used, and the tail pays for it. A backend that has not yet answered is drawn by
    weight; one that ceases to answer keeps its last RIF.
    """

    tick_interval_s = 0.05

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        self.parameters = given = read_parameters(YarpP2CParameters, context.parameters, "yarp_p2c")
        self.pick_counts = {PickReason.LEAST.value: 0, PickReason.RANDOM.value: 0}
        self._seconds = context.clock.seconds
        self._rng = context.rng
        self._random = context.rng.random
        self._counts = InFlightCounts(_Polled, context.rng.random)
        self._members = self._counts.up.members
        self._polling: Polling[_Polled] = Polling(
            context.probes,
            self._polled,
            interval_s=given.poll_interval_seconds,
            per_second=given.max_probes_per_second,
        )
        self.probe_results = self._polling.results

    def up(self, backend: Backend) -> None:
        self._polling.add(self._counts.joined(backend))

    def down(self, backend: Backend) -> None:
        member = self._counts.left(backend)
        if member is not None:
            self._polling.discard(member)

    def reweighted(self, backend: Backend) -> None:
        self._counts.replaced(backend)

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        one, other = draw_two(self._members, exclude, self._random)
        if one is None:
            return None
        chosen, reason = self._choose(one, other)
        self.last_reason = reason
        self.pick_counts[reason] += 1
        return chosen.backend

    def _choose(self, one: _Polled, other: _Polled | None) -> tuple[_Polled, PickReason]:
        if other is None:
            return one, PickReason.RANDOM
        if one.rif is not None and other.rif is not None:
            return other if other.rif * other.share < one.rif * one.share else one, PickReason.LEAST
        # Nothing compares: in proportion to the weights.
        return one if self._random() * (one.share + other.share) < other.share else other, PickReason.RANDOM

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""
        compares = "polled RIF for its weight"
        with same_draws(self._rng):
            one, other = draw_two(self._members, exclude, self._random)
            if one is None:
                return nobody(compares)
            chosen, reason = self._choose(one, other)
        pool = [_considered(each, each in (one, other)) for each in self._members if each.id not in exclude]
        if reason is PickReason.LEAST:
            return explanation(chosen.id, reason, compares, pool, tie="it was drawn first", draw=TWO_DRAWN)
        because = ONLY_ONE if other is None else f"not both that were drawn have answered a poll, and {DRAWN}"
        return PickExplanation(
            picked=chosen.id, reason=reason.value, compares=compares, because=because, pool=tuple(pool)
        )

    def started(self, backend: Backend) -> None:
        pass

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        pass

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass

    def _polled(self, member: _Polled, report: LoadReport | None) -> None:
        if report is not None and report.rif is not None:
            member.rif = report.rif

    def tick(self) -> None:
        """Time has passed; call every :attr:`tick_interval_s`."""
        self._polling.tick(self._seconds())


def _considered(member: _Polled, compared: bool) -> Considered:
    if member.rif is None:
        return Considered(id=member.id, compared=compared, source=EstimateSource.ASSUMED.value)
    rif = member.rif * member.share
    return Considered(id=member.id, figure=rif, compared=compared, rif=rif, source=EstimateSource.REPORTED.value)
