"""Was the machine too busy for a run to count?"""

from collections.abc import Sequence

from openprequal.simulation.measured import quantile_of

LIMIT_S = 0.01
"""What the generator or the emulation may be late in 99 of 100 cases: a ninth of the mean work of most workloads."""
SURE = 0.99

STOLEN = 0.05
"""Cores that a virtual machine's host may keep from it. Where it keeps more, who needs more CPU looks slower, and
that says nothing of the rule by which he chooses."""


def p99_of(late_s: Sequence[float]) -> float:
    """The 99th percentile; 0 where nothing was to be done."""
    return quantile_of(sorted(late_s), SURE) if late_s else 0.0


def objection(
    sender_late_s: float, emulation_lag_s: float, limit_s: float = LIMIT_S, stolen: float = 0.0
) -> str | None:
    """Why a run with these 99th percentiles is thrown away; None: it counts.

    :param sender_late_s: how much later than scheduled requests were sent.
    :param emulation_lag_s: how much later than due the emulated backends did what they had to do.
    :param stolen: cores that the host kept from this machine.
    """
    told = [
        f"{who} was {late_s * 1000:.1f} ms late (p99; {limit_s * 1000:g} ms are allowed)"
        for who, late_s in (("the generator", sender_late_s), ("the emulation", emulation_lag_s))
        if late_s > limit_s
    ]
    if stolen > STOLEN:
        told.append(f"the host kept {stolen:.2f} cores from this machine ({STOLEN:g} are allowed)")
    return "; ".join(told) or None
