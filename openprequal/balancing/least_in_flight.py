"""Where has this process the fewest requests under way?"""

from collections.abc import Collection

from zope.interface import implementer

from openprequal.balancing.explanation import of_ranked
from openprequal.balancing.in_flight_counts import InFlightCounts
from openprequal.balancing.least_load import LeastLoad
from openprequal.balancing.parameters import NoParameters, read_parameters
from openprequal.balancing.power_of_two import PowerOfTwo
from openprequal.balancing.ranked import LoadChoice, Ranked
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.values import Backend, LoadReport, Outcome, PickReason


@implementer(IBalancer, IExplainsPicks)
class LeastInFlight:
    """The backend with the fewest of this process's own requests for its weight; at a tie the next in turn.

    The paper's LeastLoaded: nginx's ``least_conn``, HAProxy's ``leastconn``, Envoy's least request over all hosts. Take
    it where one gateway carries all traffic and backends report nothing: then its count is the truth, and a slow
    backend is seen by what piles up there. With several gateways each sees only its part, and neighbours on the
    backend's machine are not seen at all. A backend that fails at once has never anything under way and draws traffic:
    health checks must take it out. While hardly anything is under way all are tied and weights do not count.
    """

    _name = "least_in_flight"

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: there are parameters; it takes none."""
        read_parameters(NoParameters, context.parameters, self._name)
        self.pick_counts = {PickReason.LEAST.value: 0}
        self._rng = context.rng
        self._counts = InFlightCounts(Ranked, context.rng.random)
        self._choice = self._choice_for(context)

    def _choice_for(self, context: BalancerContext) -> LoadChoice[Ranked]:
        return LeastLoad()

    def up(self, backend: Backend) -> None:
        member = self._counts.joined(backend)
        member.load = member.in_flight * member.share
        self._choice.add(member)

    def down(self, backend: Backend) -> None:
        member = self._counts.left(backend)
        if member is not None:
            self._choice.discard(member)

    def reweighted(self, backend: Backend) -> None:
        member = self._counts.replaced(backend)
        if member is not None:
            member.load = member.in_flight * member.share
            self._choice.moved(member)

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        member = self._choice.choose(exclude)
        if member is None:
            return None
        self.pick_counts[PickReason.LEAST] += 1
        return member.backend

    def started(self, backend: Backend) -> None:
        member = self._counts.started(backend)
        member.load = member.in_flight * member.share
        self._choice.moved(member)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        member = self._counts.finished(backend)
        if member is not None:
            member.load = member.in_flight * member.share
            self._choice.moved(member)

    def reported(self, backend: Backend, report: LoadReport) -> None:
        pass

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""

        def described(member: Ranked, compared: bool) -> Considered:
            return Considered(id=member.id, figure=member.load, compared=compared)

        compares = "count of requests in flight from here, for its weight"
        return of_ranked(self._choice, self._counts.up, exclude, self._rng, compares, described)


class LeastInFlightP2C(LeastInFlight):
    """Of two backends drawn at random the one with fewer of this process's own requests for its weight.

    The paper's LL-Po2C, Envoy's default for least request. Take it over :class:`LeastInFlight` where many gateways,
    each with its own view, would otherwise all turn to the same backend. It finds the best of two, not of all: with few
    backends, or one much slower than the rest, its tail is longer.
    """

    _name = "least_in_flight_p2c"

    def _choice_for(self, context: BalancerContext) -> LoadChoice[Ranked]:
        return PowerOfTwo(self._counts.up, context.rng.random)
