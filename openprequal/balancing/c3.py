"""Which backend has the lowest cubic score? The rule of C3."""

from collections.abc import Collection

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.parameters import ProbingParameters, number, read_parameters
from openprequal.balancing.probing_balancer import ProbingBalancer
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks
from openprequal.probing.estimate import LoadEstimate
from openprequal.values import Backend, LoadReport, Outcome, PickReason


@frozen(kw_only=True)
class C3Parameters(ProbingParameters):
    """Those of every balancer that probes, and those of the rule."""

    clients: float = number(1, 1, 1_000_000)
    """How many gateways send to the same backends, this one counted."""
    smoothing: float = number(0.1, 0.001, 1)
    """How far the averages move with each response or report."""


class _Averages:
    """Of one backend: RIF and latency by its reports, and the response time that we saw, in seconds."""

    __slots__ = ("latency_s", "response_s", "rif")

    def __init__(self) -> None:
        self.rif: float | None = None
        self.latency_s: float | None = None
        self.response_s: float | None = None


@implementer(IBalancer, IExplainsPicks)
class C3(ProbingBalancer[C3Parameters]):
    """Probes as Prequal does, and chooses as C3 does (Suresh et al., NSDI 2015; section 5.2 of the Prequal paper).

    The score is (R - 1/µ) + q̂³/µ: R is the response time that we saw and 1/µ the latency that the backend reports, both
    smoothed; the expected queue q̂ is 1 + our requests in flight there times the number of gateways + its smoothed RIF.
    The cube keeps long queues away whatever the latency says.

    Choose it where the number of gateways is known and does not change: it must be told (``clients``).
    """

    _reasons = (PickReason.LEAST,)
    _compares = "cubic score in seconds"

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        given = read_parameters(C3Parameters, context.parameters, "c3")
        super().__init__(context, given, q_rif=0.75, blend=1.0)
        self._averages: dict[str, _Averages] = {}

    def down(self, backend: Backend) -> None:
        super().down(backend)
        self._averages.pop(backend.id, None)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        super().finished(backend, outcome)
        averages = self._averages.get(backend.id)
        if averages is not None and outcome.latency_s is not None and not outcome.failed:
            averages.response_s = self._smoothed(averages.response_s, outcome.latency_s)

    def _heard(self, load: LoadEstimate, report: LoadReport, rif: float, on_response: bool) -> None:
        super()._heard(load, report, rif, on_response)
        averages = self._averages.setdefault(load.id, _Averages())
        averages.rif = self._smoothed(averages.rif, rif)
        if report.latency_s is not None:
            averages.latency_s = self._smoothed(averages.latency_s, report.latency_s)

    def _smoothed(self, average: float | None, sample: float) -> float:
        return sample if average is None else average + self.parameters.smoothing * (sample - average)

    def _choose(self, candidates: Collection[LoadEstimate]) -> tuple[LoadEstimate, PickReason]:
        return min(candidates, key=self._figure), PickReason.LEAST

    def _figure(self, load: LoadEstimate) -> float:
        averages = self._averages.get(load.id)
        if load.held_back or averages is None or averages.rif is None:
            return load.score  # nothing is known of it but what we see, or it is to serve only if all others are out
        queue = 1.0 + (load.in_flight * self.parameters.clients + averages.rif) / load.backend.weight
        latency_s = averages.latency_s if averages.latency_s is not None else load.latency_s
        response_s = averages.response_s if averages.response_s is not None else latency_s
        return response_s - latency_s + queue * queue * queue * latency_s
