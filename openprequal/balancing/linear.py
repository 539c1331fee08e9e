"""Which backend has the lowest weighted sum of RIF and latency? The linear rule."""

from collections.abc import Collection

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.parameters import ProbingParameters, number, read_parameters
from openprequal.balancing.probing_balancer import ProbingBalancer
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks
from openprequal.probing.estimate import LoadEstimate
from openprequal.values import LoadReport, PickReason

_GAIN = 0.02


@frozen(kw_only=True)
class LinearParameters(ProbingParameters):
    """Those of every balancer that probes, and those of the rule."""

    rif_weight: float = number(0.5, 0, 1)
    """λ: weight of the RIF, 0 for latency alone, 1 for RIF alone."""
    rif_seconds: float = number(0, 0, 3600)
    """α: latency that one request in flight is worth; 0: the mean latency that backends report at a RIF of 0 or 1."""


@implementer(IBalancer, IExplainsPicks)
class Linear(ProbingBalancer[LinearParameters]):
    """Probes as Prequal does, and chooses by λ·α·RIF + (1-λ)·latency (sections 5.2 and 5.4 of the paper).

    Choose it to see for yourself what a weighted sum does; the paper found RIF alone better than any mix, and the
    hot-cold rule better than that.
    """

    _reasons = (PickReason.LEAST,)
    _compares = "weighted sum in seconds"

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        given = read_parameters(LinearParameters, context.parameters, "linear")
        super().__init__(context, given, q_rif=0.75, blend=1.0)
        self._alone_s = 0.0

    def _choose(self, candidates: Collection[LoadEstimate]) -> tuple[LoadEstimate, PickReason]:
        weight = self.parameters.rif_weight
        rif_s = weight * (self.parameters.rif_seconds or self._alone_s)
        best = min(candidates, key=lambda load: rif_s * load.rif + (1.0 - weight) * load.latency_s)
        return best, PickReason.LEAST

    def _figure(self, load: LoadEstimate) -> float:
        weight = self.parameters.rif_weight
        return weight * (self.parameters.rif_seconds or self._alone_s) * load.rif + (1.0 - weight) * load.latency_s

    def _heard(self, load: LoadEstimate, report: LoadReport, rif: float, on_response: bool) -> None:
        if rif <= 1 and report.latency_s is not None:
            if self._alone_s:
                self._alone_s += _GAIN * (report.latency_s - self._alone_s)
            else:
                self._alone_s = report.latency_s
        super()._heard(load, report, rif, on_response)
