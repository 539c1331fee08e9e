"""What would each balancer give a user's fleet, and is Prequal worth it there?"""

from math import inf

from openprequal.simulation.figure import in_ms
from openprequal.simulation.results import Results, ratio
from openprequal.simulation.rules import SIMPLE
from openprequal.simulation.run import OMNISCIENT

WORTH = 0.95
"""Prequal's p99 over the best simple rule's: above that it is not worth its probes and reports."""


def advice(results: Results, scenario: str) -> str:
    """A paragraph: which balancer to take."""
    p99 = {rule: results.latency(scenario, rule, 0.99).median for rule in results.rules(scenario)}
    simple = {rule: value for rule, value in p99.items() if rule in SIMPLE}
    clever = {rule: value for rule, value in p99.items() if rule not in simple and rule != OMNISCIENT}
    if not simple or not clever:
        return "Nothing to compare: run at least one simple rule and one that goes by load."
    plain = min(simple, key=lambda rule: simple[rule])
    # Among equals the shipped default, then whoever was named first.
    best = min(clever, key=lambda rule: (clever[rule], rule != "prequal"))
    prequal = {rule: value for rule, value in clever.items() if rule.partition(":")[0] == "prequal"}
    least = min((results.errors(scenario, rule).median for rule in p99), default=0.0)
    lines = []
    if least > 0.01:
        lines.append(
            f"Even the best loses {least:.1%} of the requests: the fleet is overloaded, and needs servers more than a "
            "balancer."
        )
    if prequal:
        ours = min(prequal, key=lambda rule: prequal[rule])
        factor = ratio(prequal[ours], simple[plain])
        compared = f"p99 {in_ms(prequal[ours])} against {in_ms(simple[plain])} ms of {plain}, the best simple rule"
        if factor >= WORTH:
            lines.append(f"Prequal is not worth it here: {compared}. Take {plain}.")
            return " ".join(lines)
        lines.append(f"{ours}: {compared}, {1 - factor:.0%} less.")
        if clever[best] < WORTH * prequal[ours]:
            lines.append(f"{best} is better still: {in_ms(clever[best])} ms.")
            ours = best
        limit = p99.get(OMNISCIENT, inf)
        if limit < inf:
            lines.append(f"Whoever knew everything would get {in_ms(limit)} ms.")
        lines.append(f"Take {ours}.")
    elif clever[best] < WORTH * simple[plain]:
        lines.append(f"Take {best}: p99 {in_ms(clever[best])} against {in_ms(simple[plain])} ms of {plain}.")
    else:
        lines.append(f"Take {plain}: nothing that was run is more than 5 % better than its {in_ms(simple[plain])} ms.")
    return " ".join(lines)
