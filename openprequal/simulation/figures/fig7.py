"""Fig. 7: how do all the rules compare at moderate and at high load?"""

from collections.abc import Sequence
from math import inf

from openprequal.balancing.catalogue import BALANCERS
from openprequal.simulation.figure import Figure, Point, Read, in_ms
from openprequal.simulation.results import Finding
from openprequal.simulation.rules import PAPER
from openprequal.simulation.run import Rule
from openprequal.simulation.testbed import WARM_UP_S, WEIGHTED_ROUND_ROBIN, on_testbed

SERIES = {"70% load": (0.7, 0), "90% load": (0.9, 2), "as hard as 90% load": (0.75 * (10 / 9) ** 4, 2)}
"""Load over the allotments, and where the paper's p90 and p99 are in a row of its table. The last is the load at which
weighted round robin does here what it does in the paper at 90 %: a step of Fig. 6, 1.14."""
LETTER = Rule("prequal", {**PAPER, "probe_rate": 3, "q_rif": 0.75}, "prequal, paper")

_TABLE_MS: dict[str, tuple[float, float, float, float]] = {
    "round_robin": (4984, inf, inf, inf),
    "random": (294, inf, inf, inf),
    "weighted_round_robin": (173, 314, 1667, inf),
    "least_in_flight": (343, 1804, 940, 2654),
    "least_in_flight_p2c": (224, 569, 623, 1918),
    "yarp_p2c": (210, 2642, 213, 1169),
    "linear": (206, 698, 245, 1036),
    "c3": (161, 299, 164, 304),
    LETTER.name: (149, 281, 152, 286),
}
"""p90 and p99 at 70 % load, p90 and p99 at 90 %."""

_OWN = {"weighted_round_robin": WEIGHTED_ROUND_ROBIN, LETTER.name: LETTER}
RULES = (
    *(_OWN.get(name, Rule(name)) for name in _TABLE_MS if name in BALANCERS or name in _OWN),
    Rule("peak_ewma"),
    Rule("prequal"),
)


def _points(rules: Sequence[Rule] | None) -> list[Point]:
    return [
        Point(
            series,
            number,
            rule.name,
            on_testbed(f"fig7-{load:.2f}", load, warm_up_s=WARM_UP_S, counted_s=10),
            rule,
        )
        for series, (load, _) in SERIES.items()
        for number, rule in enumerate(rules or RULES)
    ]


def _findings(read: Read) -> list[Finding]:
    findings = []
    for series in read.series():
        p99 = {point.label: read.latency(point, 0.99) for point in read.of(series)}
        rivals = {name: value for name, value in p99.items() if not name.startswith("prequal")}
        best = min(rivals, key=lambda name: rivals[name], default="")
        for rule in p99.keys() - rivals.keys():
            findings.append(
                Finding(
                    f"at {series} no rule has a p99 lower by more than 3 % than {rule}",
                    f"{in_ms(p99[rule])} ms; the best of the others is {best} with {in_ms(rivals[best])} ms"
                    if best
                    else "no other was run",
                    p99[rule] <= 1.03 * rivals[best] if best else None,
                )
            )
        if {"random", "least_in_flight_p2c", "weighted_round_robin"} <= p99.keys():
            findings.append(
                Finding(
                    f"at {series} least_in_flight_p2c has a lower p99 than random",
                    f"{in_ms(p99['least_in_flight_p2c'])} and {in_ms(p99['random'])} ms",
                    p99["least_in_flight_p2c"] < p99["random"],
                )
            )
        for rule, factor in (("least_in_flight_p2c", 2.0), ("linear", 1.2)):
            if series == "as hard as 90% load" and {rule, "prequal"} <= p99.keys():
                findings.append(
                    Finding(
                        f"at {series} {rule} has at least {factor:g} × the p99 of prequal",
                        f"{in_ms(p99[rule])} and {in_ms(p99['prequal'])} ms",
                        p99[rule] >= factor * p99["prequal"],
                    )
                )
    return sorted(findings, key=lambda finding: finding.claim)


FIGURE = Figure(
    "fig7",
    "Fig. 7: nine rules",
    "rule",
    "The testbed at 0.70, 0.90 and 1.14 of the allotments, under every rule of the paper and some more; the paper's"
    " Prequal with three probes a query and Q_RIF 0.75.",
    "C3 and Prequal are nearly the same at both loads (p99 299 and 281 ms at 70 %, 304 and 286 ms at 90 %); weighted"
    " round robin is as good at 70 % and times out at 90 %; random, round robin and all that go by one client's own"
    " counts are far behind.",
    "that Prequal and C3 do not change from 70 % to 90 %, and who else does not.",
    _points,
    _findings,
    {
        (series, name): {0.9: row[column] / 1000, 0.99: row[column + 1] / 1000}
        for series, (_, column) in SERIES.items()
        for name, row in _TABLE_MS.items()
    },
    differs="The paper's Figs. 6 and 7 cannot be of one fleet: in Fig. 6 weighted round robin is as good at 0.93 as at"
    " 0.75, in Fig. 7 it times out at 90 %. The testbed was fitted to Fig. 6, so that at 0.9 no server is beyond"
    " what it has for long, and no rule has much to do. What weighted round robin does in the paper at 90 % it does"
    " here at 1.14: that is the third series. Linear is not behind there, nor in the scenarios: it has all of ours"
    " but the rule, such as reports on responses that fade, and latencies that the agents extrapolate to the requests"
    " in flight of the moment. So its latency has the RIF in it, which the paper's had not.",
    by_rule=True,
)
