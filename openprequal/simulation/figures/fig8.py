"""Fig. 8: how many probes does a query need?"""

from collections.abc import Sequence

from openprequal.simulation.figure import Figure, Point, Read
from openprequal.simulation.results import Finding
from openprequal.simulation.rules import PAPER
from openprequal.simulation.run import Rule
from openprequal.simulation.testbed import on_testbed

RATES = tuple(4 / 2 ** (step / 2) for step in range(7))
LOAD = 1.5
RULES = (Rule("prequal", {**PAPER, "remove_rate": 0.25}, "prequal, paper"),)


def _points(rules: Sequence[Rule] | None) -> list[Point]:
    scenario = on_testbed("fig8", LOAD, warm_up_s=10, counted_s=15)
    return [
        Point(
            rule.name,
            rate,
            f"{rate:.2f}",
            scenario,
            Rule(rule.balancer, {**rule.parameters, "probe_rate": rate}, f"{rule.name}, {rate:.2f} probes"),
        )
        for rule in rules or RULES
        for rate in RATES
    ]


def _findings(read: Read) -> list[Finding]:
    findings = []
    for series in read.series():
        first, last = read.of(series)[0], read.of(series)[-1]
        one = read.at(series, "1.00")
        if one is None:
            continue
        flat = read.latency(one, 0.99) / read.latency(first, 0.99)
        jump = read.latency(last, 0.99) / read.latency(one, 0.99)
        rifs = read.rif(last, 0.999) / max(read.rif(one, 0.999), 1e-9)
        findings += [
            Finding(
                f"{series}: the p99 is the same at one probe a query as at four", f"{flat:.2f} times", flat <= 1.15
            ),
            Finding(
                f"{series}: below one probe a query the p99 jumps", f"{jump:.2f} times at {last.label}", jump >= 1.15
            ),
            Finding(
                f"{series}: and so does the tail of the requests in flight",
                f"p99.9 {rifs:.2f} times at {last.label}",
                rifs >= 1.15,
            ),
        ]
    return findings


FIGURE = Figure(
    "fig8",
    "Fig. 8: probing rate",
    "probes a query",
    "The testbed at 1.5 times the allotments, r_remove 0.25, the probing rate from 4 to 1/2 in steps of √2.",
    "Flat down to one probe a query; below, the tails of the requests in flight and of the latency jump.",
    "the place where the curves leave the flat part.",
    _points,
    _findings,
    differs="The flat part is not quite flat here: with four probes a query the p99 is a seventh lower than with one."
    " It breaks where the paper's does.",
    shows_rif=True,
)
