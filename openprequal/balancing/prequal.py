"""Which backend will answer soonest? Prequal, asynchronous mode, from reports that are already here."""

from collections.abc import Collection, Mapping, Sequence

from zope.interface import implementer

from openprequal.balancing.blended import lowest_score
from openprequal.balancing.explanation import by_rule
from openprequal.balancing.hot_cold import choose
from openprequal.balancing.parameters import PRESETS, PrequalParameters, read_parameters
from openprequal.balancing.probing_balancer import ProbingBalancer
from openprequal.explanations import Considered
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks
from openprequal.probing.estimate import LoadEstimate
from openprequal.values import PickReason


@implementer(IBalancer, IExplainsPicks)
class Prequal(ProbingBalancer[PrequalParameters]):
    """Prequal (Wydrowski et al., NSDI 2024, section 4), with rules of our own where they measured better.

    ``preset = "paper"`` is the paper's algorithm. Ours deviates from it in what follows; each has its switch in
    :class:`~openprequal.balancing.parameters.PrequalParameters`:

    - ``rule``: RIF and latency are blended into one number (:mod:`~openprequal.balancing.blended`), instead of compared
      one after the other (:mod:`~openprequal.balancing.hot_cold`, with deviations ``slow_limit`` and ``near_ratio``);
    - ``in_band``: reports on responses count like answers to probes;
    - ``fade_ratio``: an old report is history rather than news (:mod:`~openprequal.probing.peers`);
    - ``reuse_budget``: therefore a report may serve any number of picks;
    - ``scale_latency``: a latency goes with the RIF it was reported at (:mod:`~openprequal.probing.estimate`);
    - ``estimate_missing``: what to do where reports are few (:mod:`~openprequal.balancing.candidates`);
    - ``trial_every``: who is passed over gets a chance now and then (:mod:`~openprequal.balancing.trials`);
    - ``hold_back_failing``: failing fast is not being fast (:mod:`~openprequal.balancing.failures`);
    - ``warm_up_seconds``: who joins is spared at first (:mod:`~openprequal.balancing.candidates`);
    - ``probe_interval_seconds``, ``max_probes_per_second``: what probing may cost.

    Some things are not by the letter even so: a replica has one response in the pool, the youngest, and its RIF there
    is what others had when it reported plus what we have there now, so that requests of ours that have ended do not
    count. Nor are those that concern backends in trouble: a long silence counts as latency, one that does not report
    has its part in θ by our own requests, and one that drains serves only if there is no other.
    """

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        given = _read(context.parameters)
        super().__init__(context, given, q_rif=given.q_rif, blend=given.latency_share)
        self._random = context.rng.random
        self._blended = given.rule == "blended"
        self._compares = "score" if self._blended else "latency if cold, else RIF"

    def _choose(self, candidates: Collection[LoadEstimate]) -> tuple[LoadEstimate, PickReason]:
        given, threshold = self.parameters, self._rifs.threshold
        if self._blended:
            load = lowest_score(candidates, self._random, near_ratio=given.near_ratio)
            return load, PickReason.COLD if load.rif < threshold else PickReason.HOT
        return choose(candidates, threshold, self._random, slow_limit=given.slow_limit, near_ratio=given.near_ratio)

    def _figure(self, load: LoadEstimate) -> float:
        if self._blended:
            return load.score
        return load.latency_s if load.rif < self._rifs.threshold else load.rif

    def _because(self, picked: str, reason: PickReason, pool: Sequence[Considered]) -> str:
        if self._blended:
            return super()._because(picked, reason, pool)
        return by_rule(picked, reason, pool, self._rifs.threshold)


def _read(parameters: Mapping[str, object]) -> PrequalParameters:
    given = read_parameters(PrequalParameters, parameters, "prequal")
    return read_parameters(PrequalParameters, {**PRESETS[given.preset], **parameters}, "prequal")
