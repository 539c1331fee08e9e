"""What may a user set on a balancer, and is what they set usable?"""

import re
from collections.abc import Mapping
from math import inf, isnan, isqrt
from typing import Any, TypeVar

import attrs
from attrs import field, frozen

from openprequal.errors import ConfigurationError, suggestion
from openprequal.hints import RULE, RULE_ALLOWED

Parameters = TypeVar("Parameters")


def number(default: float, low: float, high: float = float("inf"), *, whole: bool = False) -> Any:
    """An attrs field that holds a number from *low* to *high*."""
    return field(default=default, metadata={"low": low, "high": high, "whole": whole})


def switch(default: bool) -> Any:
    """An attrs field that holds true or false."""
    return field(default=default, metadata={"switch": True})


def text(default: str, pattern: str, allowed: str) -> Any:
    """An attrs field that holds text which *pattern* matches as a whole; *allowed* says the same for people."""
    return field(default=default, metadata={"pattern": re.compile(pattern), "allowed": allowed})


def prime(default: int, low: int, high: int) -> Any:
    """An attrs field that holds a prime number from *low* to *high*."""
    return field(default=default, metadata={"low": low, "high": high, "whole": True, "prime": True})


def read_parameters(cls: type[Parameters], given: Mapping[str, object], balancer: str) -> Parameters:
    """An instance of the attrs class *cls*, made of the kinds of fields above, from *given*.

    :raises ConfigurationError: a name is unknown or a value out of bounds; the message tells what is allowed.
    """
    fields = {each.name: each for each in attrs.fields(cls)}  # type: ignore[arg-type]
    for name, value in given.items():
        if name not in fields:
            allowed = ", ".join(fields) or "none"
            reason = f"{balancer} has no such parameter; allowed: {allowed}{suggestion(name, fields)}"
            raise ConfigurationError(reason, about=("balancer_parameters", name))
        limits = fields[name].metadata
        if not _usable(limits, value):
            reason = f"{value!r} cannot be used; allowed: {allowed_values(limits)}"
            raise ConfigurationError(reason, about=("balancer_parameters", name))
    return cls(**given)


def allowed_values(limits: Mapping[Any, Any]) -> str:
    """What a parameter may be, for people, by the metadata of its field."""
    if limits.get("switch"):
        return "true or false"
    if "pattern" in limits:
        return str(limits["allowed"])
    kind = "a prime" if limits.get("prime") else "a whole" if limits["whole"] else "a"
    return f"{kind} number from {limits['low']:.12g} to {limits['high']:.12g}"


def _usable(limits: Mapping[Any, Any], value: object) -> bool:
    if limits.get("switch"):
        return isinstance(value, bool)
    if "pattern" in limits:
        return isinstance(value, str) and limits["pattern"].fullmatch(value) is not None
    if isinstance(value, bool) or not isinstance(value, int if limits["whole"] else (int, float)):
        return False
    if isnan(value) or not limits["low"] <= value <= limits["high"]:
        return False
    return not limits.get("prime") or _is_prime(int(value))


def _is_prime(value: int) -> bool:
    return value > 1 and all(value % divisor for divisor in range(2, isqrt(value) + 1))


@frozen
class NoParameters:
    """For balancers that take none."""


@frozen(kw_only=True)
class ProbingParameters:
    """What every balancer that probes for its picks can be told: the paper's parameters under its names with its
    baseline values (section 4), then ours."""

    pool_size: int = number(16, 1, 1024, whole=True)
    """m: reports kept for picks."""
    max_age_seconds: float = number(1.0, 0.001, 3600)
    """Age from which a report is no longer used as it is."""
    probe_rate: float = number(3.0, 0, 100)
    """r_probe: probes a query; may be fractional."""
    remove_rate: float = number(1.0, 0, 100)
    """r_remove: reports removed a query, alternately the oldest and the worst, where reuse_budget is on; may be
    fractional."""
    delta: float = number(1.0, 0, 100)
    """δ in the formula of the reuse budget."""
    reuse_budget: bool = switch(False)
    """Whether a report serves so many picks as the formula says, and reports are removed (paper); false: until a newer
    one comes or it is too old, because our own picks are counted and others' are expected (fade_ratio)."""
    in_band: bool = switch(True)
    """Whether reports on responses count beside those that answer probes; false: no (paper)."""
    fade_ratio: float = number(1.0, 0, 100)
    """A report is halfway between news and what is usual after so many mean latencies; 0: it stays news (paper)."""
    scale_latency: bool = switch(True)
    """Whether a reported latency is scaled to the RIF of now, as far as it has been seen to grow with the RIF; false:
    it counts as reported (paper)."""
    estimate_missing: bool = switch(True)
    """Where fewer than two usable reports exist, choose by what is believed without them; false: at random (paper)."""
    trial_every: float = number(200, 2)
    """Once in so many picks a backend in its turn gets one, if unused for ``max_age_seconds``; infinite: never."""
    hold_back_failing: bool = switch(True)
    """Whether a backend that fails more than its peers is used only when there is no other."""
    warm_up_seconds: float = number(10.0, 0, 3600)
    """For so long one that joins others counts as more loaded than it is, at first 5 times; 0: never (paper)."""
    probe_interval_seconds: float = number(0.01, 0, 3600)
    """No probe to a backend that was probed or heard less than this ago."""
    max_probes_per_second: float = number(1000, 0)
    """To all backends together, from this process."""
    idle_probe_seconds: float = number(0.5, 0.01, 3600)
    """Longest time between probes while there are no queries."""
    idle_stop_seconds: float = number(10.0, 0, 86400)
    """Time without queries after which only single idle probes are sent."""


PRESETS: Mapping[str, Mapping[str, object]] = {
    "default": {},
    "paper": {
        "rule": "hot_cold",
        "reuse_budget": True,
        "in_band": False,
        "fade_ratio": 0,
        "scale_latency": False,
        "estimate_missing": False,
        "slow_limit": inf,
        "near_ratio": 1,
        "trial_every": inf,
        "hold_back_failing": False,
        "warm_up_seconds": 0,
        "probe_interval_seconds": 0,
        "max_probes_per_second": inf,
    },
}
"""Values that others are given where a preset is named; what is given beside it goes before it."""


@frozen(kw_only=True)
class PrequalParameters(ProbingParameters):
    """Those of every balancer that probes, and those of the rule."""

    preset: str = text("default", "default|paper", "default or paper")
    """Where the others start from; paper: the paper's algorithm, with every deviation below switched off."""
    rule: str = text("blended", "blended|hot_cold", "blended or hot_cold")
    """blended: the lowest product of (RIF + 1) and the latency of an idle server to the power of latency_share;
    hot_cold: the paper's rule."""
    latency_share: float = number(0.5, 0, 1)
    """How much the latency counts beside the RIF in the blended rule, on servers whose requests slow each other down;
    on others it counts whole."""
    q_rif: float = number(2**-0.25, 0, 1)
    """Q_RIF: quantile of the reported RIFs from which a backend is hot; 0 chooses by RIF alone, 1 by latency alone."""
    slow_limit: float = number(4.0, 1)
    """In the hot-cold rule, one that is this many times slower than the fastest hot one does not win by being idle;
    infinite: it does (paper)."""
    near_ratio: float = number(1.05, 1)
    """Those whose latency (in the blended rule: whose score, and only if the best is idle) is up to so many times the
    lowest count as equal to it; 1: none (paper)."""


@frozen
class PrequalSyncParameters:
    """The paper's parameters of sync mode (section 4), then ours."""

    probes_per_query: int = number(5, 2, 64, whole=True)
    """d: backends asked for each request; the paper has 3 to 5."""
    wait_seconds: float = number(0.05, 0.001, 10)
    """Longest wait for answers; then those that came must do. Looked at every 10 ms."""
    hint: str = text("none", RULE, RULE_ALLOWED)
    """What of a request its probes tell, hashed: a header, or the first segments of the path."""
    scaled_reports: bool = switch(True)
    """Whether the answer to a hint counts as it is, for its request; false: never below what we have in flight."""
    q_rif: float = number(2**-0.25, 0, 1)
    """Q_RIF: quantile of the reported RIFs from which a backend is hot; 0 chooses by RIF alone, 1 by latency alone."""
    slow_limit: float = number(4.0, 1)
    """One that is this many times slower than the fastest hot one does not win by being idle; infinite: it does."""
    near_ratio: float = number(1.25, 1)
    """Cold ones up to so many times slower than the fastest count as equal, so that RIF decides; 1: none (paper)."""
    hold_back_failing: bool = switch(True)
    """Whether a backend that fails more than its peers is used only when there is no other."""
