"""Which backend says that it has the fewest requests in flight?"""

from collections.abc import Collection
from math import inf

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.explanation import of_ranked
from openprequal.balancing.in_flight_counts import InFlightCounts
from openprequal.balancing.least_load import LeastLoad
from openprequal.balancing.parameters import number, read_parameters
from openprequal.balancing.power_of_two import PowerOfTwo
from openprequal.balancing.ranked import LoadChoice, Ranked
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.probing.estimate import EstimateSource
from openprequal.probing.polling import Polling
from openprequal.values import Backend, LoadReport, Outcome, PickReason


@frozen
class LeastRifParameters:
    """What may be set on the two rules that go by reported RIF."""

    poll_interval_seconds: float = number(0.5, 0.05, 3600)
    """Every backend is asked for its RIF once in so long; reports on responses count as well."""
    max_probes_per_second: float = number(1000, 1)
    """To all backends together, from this process; where it is reached the interval is longer."""
    max_age_seconds: float = number(5.0, 0.05, 3600)
    """A backend whose last report is older, and that does not answer, is judged by our own requests there alone."""


class _Reporting(Ranked):
    """A backend with its last known RIF, our own requests counted as they are now."""

    __slots__ = ("others", "reported_s")

    def __init__(self, backend: Backend) -> None:
        self.others = 0.0
        """Requests that are not ours, by its last report: so that one that claims less than our own in flight changes
        nothing, and what we sent since counts."""
        self.reported_s = -inf
        super().__init__(backend)

    def replace(self, backend: Backend) -> None:
        super().replace(backend)
        self.load = (self.others + self.in_flight) * self.share


@implementer(IBalancer, IExplainsPicks)
class LeastRif:
    """The backend with the fewest requests in flight for its weight, by its own word; at a tie the next in turn.

    Prequal's rule at ``Q_RIF`` 0 over all backends. The word is the last report, on a response or polled; our requests
    since then are counted in, and RIF is at least what we have in flight ourselves. Take it where several gateways
    share backends that report. Latency does not count, so a slow backend gets as many requests at once as a fast one;
    and where gateways are many, all of them turn to whoever reported little last: then take :class:`LeastRifP2C`. A
    backend that fails at once looks idle.
    """

    tick_interval_s = 0.05
    _name = "least_rif"

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        self.parameters = given = read_parameters(LeastRifParameters, context.parameters, self._name)
        self.pick_counts = {PickReason.LEAST.value: 0}
        self._seconds = context.clock.seconds
        self._rng = context.rng
        self._counts = InFlightCounts(_Reporting, context.rng.random)
        self._choice = self._choice_for(context)
        self._polling: Polling[_Reporting] = Polling(
            context.probes,
            self._polled,
            interval_s=given.poll_interval_seconds,
            per_second=given.max_probes_per_second,
        )
        self.probe_results = self._polling.results

    def _choice_for(self, context: BalancerContext) -> LoadChoice[_Reporting]:
        return LeastLoad()

    def up(self, backend: Backend) -> None:
        member = self._counts.joined(backend)
        self._choice.add(member)
        self._polling.add(member)

    def down(self, backend: Backend) -> None:
        member = self._counts.left(backend)
        if member is not None:
            self._choice.discard(member)
            self._polling.discard(member)

    def reweighted(self, backend: Backend) -> None:
        member = self._counts.replaced(backend)
        if member is not None:
            self._choice.moved(member)

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        member = self._choice.choose(exclude)
        if member is None:
            return None
        self.pick_counts[PickReason.LEAST] += 1
        return member.backend

    def started(self, backend: Backend) -> None:
        member = self._counts.started(backend)
        member.load = (member.others + member.in_flight) * member.share
        self._choice.moved(member)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        member = self._counts.finished(backend)
        if member is not None:
            member.load = (member.others + member.in_flight) * member.share
            self._choice.moved(member)

    def reported(self, backend: Backend, report: LoadReport) -> None:
        member = self._counts.get(backend)
        if member is not None and report.rif is not None:
            # It leaves out the request that it answers, which is still among ours.
            self._heard(member, report.rif + 1.0 if member.in_flight else report.rif)

    def _polled(self, member: _Reporting, report: LoadReport | None) -> None:
        if report is not None and report.rif is not None:
            self._heard(member, report.rif)
        elif self._seconds() - member.reported_s > self.parameters.max_age_seconds:
            self._heard(member, 0.0)

    def _heard(self, member: _Reporting, rif: float) -> None:
        member.reported_s = self._seconds()
        others = rif - member.in_flight
        member.others = others if others > 0.0 else 0.0
        member.load = (member.others + member.in_flight) * member.share
        self._choice.moved(member)

    def tick(self) -> None:
        """Time has passed; call every :attr:`tick_interval_s`."""
        self._polling.tick(self._seconds())

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""
        now_s = self._seconds()

        def described(member: _Reporting, compared: bool) -> Considered:
            told = member.reported_s > -inf
            return Considered(
                id=member.id,
                figure=member.load,
                compared=compared,
                rif=member.load,
                age_s=now_s - member.reported_s if told else None,
                source=(EstimateSource.REPORTED if told else EstimateSource.ASSUMED).value,
            )

        return of_ranked(self._choice, self._counts.up, exclude, self._rng, "RIF for its weight", described)


class LeastRifP2C(LeastRif):
    """Of two backends drawn at random the one with fewer requests in flight for its weight, by its own word.

    As :class:`LeastRif`, and the draw keeps many gateways from turning to the same backend at once. Take it in large
    fleets behind many gateways; with few backends the best of two is often not a good one.
    """

    _name = "least_rif_p2c"

    def _choice_for(self, context: BalancerContext) -> LoadChoice[_Reporting]:
        return PowerOfTwo(self._counts.up, context.rng.random)
