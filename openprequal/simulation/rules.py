"""Which balancers are to be run, by what was typed?"""

from collections.abc import Mapping, Sequence
from math import isfinite
from random import Random
from typing import Any

from openprequal.balancing.catalogue import BALANCERS
from openprequal.errors import ConfigurationError
from openprequal.interfaces import BalancerContext
from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.gateway import SimulatedProbes
from openprequal.simulation.run import OMNISCIENT, Rule

PAPER: Mapping[str, Any] = {"preset": "paper"}
"""Parameters with which ``prequal`` is the paper's, to the letter."""

HASHING = ("ring_hash", "maglev")
"""They choose by who asks, so that speed is not what they are taken for."""

RIVALS = tuple(name for name in BALANCERS if name not in {"prequal", "prequal_sync", *HASHING})

SIMPLE = ("round_robin", "random", "least_in_flight", "least_in_flight_p2c", "peak_ewma")
"""Rules that any proxy has and that need nothing of the backends."""


def rule_of(text: str) -> Rule:
    """The rule that *text* names: ``name`` or ``name:parameter=value,parameter=value``.

    :raises ConfigurationError: there is no such balancer, or it cannot be run so; the message names what there is.
    """
    name, _, settings = text.partition(":")
    if name != OMNISCIENT and name not in BALANCERS:
        raise ConfigurationError(f"{name!r} is no balancer; there are {', '.join([*BALANCERS, OMNISCIENT])}")
    parameters: dict[str, Any] = {}
    for setting in settings.split(",") if settings else ():
        parameter, equals, value = setting.partition("=")
        if not (equals and parameter and value):
            raise ConfigurationError(f"{text!r}: {setting!r} is not of the form parameter=value")
        parameters[parameter.strip()] = _value(value.strip())
    rule = Rule(name, parameters, text if parameters else "")
    check(rule)
    return rule


def rules_of(texts: Sequence[str]) -> tuple[Rule, ...]:
    """The rules that *texts* name, each once.

    :raises ConfigurationError: see :func:`rule_of`.
    """
    return tuple({rule.name: rule for rule in map(rule_of, texts)}.values())


def check(rule: Rule) -> None:
    """Make *rule* once, so that what is wrong with it is told before anything runs.

    :raises ConfigurationError: it cannot be made.
    """
    if rule.balancer == OMNISCIENT:
        if rule.parameters:
            raise ConfigurationError(f"{OMNISCIENT} has no parameters")
        return
    if rule.balancer not in BALANCERS:
        raise ConfigurationError(f"{rule.balancer!r} is no balancer; there are {', '.join([*BALANCERS, OMNISCIENT])}")
    clock = VirtualClock()
    try:
        BALANCERS[rule.balancer](BalancerContext(clock, Random(0), SimulatedProbes(clock, {}, 0.0), rule.parameters))
    except ConfigurationError as error:
        raise ConfigurationError(f"{rule.name}: {error}") from None


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if isfinite(number) and number == int(number) and text.lstrip("+-").isdigit() else number
