"""Fig. 10: is a weighted sum of RIF and latency better than either, or than Prequal's rule?"""

from collections.abc import Sequence

from openprequal.simulation.figure import Figure, Point, Read, in_ms
from openprequal.simulation.results import Finding
from openprequal.simulation.rules import PAPER
from openprequal.simulation.run import Rule
from openprequal.simulation.testbed import HALF_SLOW, on_testbed

WEIGHTS = (0.0, 0.5, 0.75, 0.9, 0.95, 0.97, 0.98, 0.99, 1.0)
RIF_SECONDS = 0.075
LOAD = 0.94
REFERENCE = Rule("prequal", PAPER, "prequal, paper")
RULES = (Rule("linear", {"rif_seconds": RIF_SECONDS}, "linear"),)


def _points(rules: Sequence[Rule] | None) -> list[Point]:
    scenario = on_testbed("fig10", LOAD, servers=HALF_SLOW, warm_up_s=10, counted_s=15)
    points = []
    for rule in rules or (*RULES, REFERENCE):
        if rule.balancer == "linear":
            points += [
                Point(
                    rule.name,
                    weight,
                    f"{weight:.3g}",
                    scenario,
                    Rule(rule.balancer, {**rule.parameters, "rif_weight": weight}, f"{rule.name}, λ {weight:.3g}"),
                )
                for weight in WEIGHTS
            ]
        else:
            # It has no λ: a level line, from end to end.
            points += [Point(rule.name, weight, f"{weight:.3g}", scenario, rule) for weight in (0.0, 1.0)]
    return points


def _findings(read: Read) -> list[Finding]:
    findings = []
    linear = [series for series in read.series() if series.startswith("linear")]
    others = [series for series in read.series() if series not in linear]
    for series in linear:
        for quantile in (0.5, 0.9, 0.99, 0.999):
            along = read.latencies(series, quantile)
            findings.append(
                Finding(
                    f"{series}: RIF alone (λ 1) has the lowest p{quantile * 100:g} of all mixes",
                    f"{in_ms(along[-1])} ms; the lowest is {in_ms(min(along))} ms",
                    along[-1] <= 1.02 * min(along),
                )
            )
        for other in others:
            ours, best = read.latencies(other, 0.99)[0], read.latencies(series, 0.99)[-1]
            findings.append(
                Finding(
                    f"{other} has a lower p99 than RIF alone",
                    f"{in_ms(ours)} and {in_ms(best)} ms",
                    ours < best,
                )
            )
    return findings


FIGURE = Figure(
    "fig10",
    "Fig. 10: weighted sums",
    "λ, the weight of RIF",
    "The testbed with half of the servers 2 times slower, at load 0.94, choosing by λ·75 ms·RIF + (1 − λ)·latency;"
    " beside it Prequal's own rule.",
    "Every quantile improves as λ goes to 1: RIF alone beats all mixes, and the hot–cold rule beats RIF alone.",
    "that the curves fall to the right, and end above the level line.",
    _points,
    _findings,
    differs="The mixes are nearly level here, and latency alone is the best of them in the tail: the latency that an"
    " agent reports is what a request would take at the RIF it has now, so that it has the RIF in it already. The"
    " paper's is the median of what was measured near that RIF.",
)
