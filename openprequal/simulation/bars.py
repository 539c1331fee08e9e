"""How good must the default be? Bars for its p99 in the scenarios of ``catalogue.py``, and whether they are met."""

from collections.abc import Sequence
from math import inf

from attrs import frozen

from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.figure import in_ms
from openprequal.simulation.results import Finding, Results, ratio
from openprequal.simulation.rules import RIVALS
from openprequal.simulation.run import OMNISCIENT

DEFAULT = "prequal"
QUANTILE = 0.99


@frozen
class Bar:
    """The default's p99 is at most so many times another's."""

    scenario: str
    factor: float
    against: str | None = None
    """Another rule; None: whichever rival is best there."""
    aim: float | None = None
    """What would be better still."""
    rule: str = DEFAULT
    """What is held to it, where a preset chooses another rule than the default."""

    def verdict(self, results: Results) -> Finding | None:
        """Whether it is met; None: the scenario, or a rule that it takes, was not run."""
        if not results.has(self.scenario, self.rule):
            return None
        if self.against is not None:
            candidates = [self.against] if results.has(self.scenario, self.against) else []
        else:
            candidates = [rule for rule in results.rules(self.scenario) if rule in RIVALS]
        if not candidates:
            return None
        # Rules are compared on the seeds that both were run with: another seed is another load.
        pairs = {rule: results.pair(self.scenario, self.rule, rule, QUANTILE) for rule in candidates}
        judged = {rule: pair for rule, pair in pairs.items() if pair is not None}
        if not judged:
            return None
        other = max(judged, key=lambda rule: ratio(*judged[rule]))
        ours, theirs = judged[other]
        factor = ratio(ours, theirs)
        named = f"the best rival ({other})" if self.against is None else other
        whose = "" if self.rule == DEFAULT else f" of {self.rule}"
        claim = f"{self.scenario}: p99{whose} at most {self.factor:g} × {named}"
        if self.aim is not None:
            claim += f" (aim {self.aim:g})"
        holds = factor <= self.factor if theirs < inf or ours < inf else None
        return Finding(claim, f"{factor:.2f} × ({in_ms(ours)} to {in_ms(theirs)} ms)", holds)


BARS: Sequence[Bar] = (
    Bar("antagonists-0.9", 0.6, "least_in_flight"),
    Bar("antagonists-0.9", 0.45, "least_in_flight_p2c"),
    Bar("antagonists-0.9", 0.55, "peak_ewma"),
    Bar("antagonists-0.9", 1.45, OMNISCIENT, aim=1.25),
    Bar("antagonists-1.1", 0.85, "least_in_flight"),
    Bar("antagonists-1.1", 0.5, "least_in_flight_p2c"),
    Bar("antagonists-1.1", 0.6, "peak_ewma"),
    Bar("antagonists-1.1", 1.25, OMNISCIENT),
    # There the latency says how long the queue was and not how long it is, and the preset of such servers goes by RIF.
    Bar("inference", 0.8, "least_in_flight", rule="least_rif"),
    *(Bar(scenario, 1.05) for scenario in SCENARIOS if scenario != "inference"),
)


def verdicts(results: Results) -> list[Finding]:
    """Of every bar that can be judged by *results*."""
    return [verdict for bar in BARS if (verdict := bar.verdict(results)) is not None]
