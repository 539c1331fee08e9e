"""Results as if something had been run."""

from openprequal.simulation.measured import QUANTILES, Measured
from openprequal.simulation.results import Results


def measured(scenario: str, balancer: str, p99_s: float, seed: int = 1, failed: int = 0) -> Measured:
    """A run whose quantiles are a half, nine tenths, one and one and a half times *p99_s*."""
    quantiles = dict(zip(QUANTILES, (round(p99_s * part, 9) for part in (0.5, 0.9, 1.0, 1.5)), strict=True))
    rifs = dict.fromkeys(QUANTILES, 3.0)
    return Measured(scenario, balancer, seed, quantiles, 1000, failed, 0, (0.25, 0.75), rifs, 1.5, 0.1)


def results(scenario: str, **p99_s: float) -> Results:
    """One run of each balancer."""
    return Results([measured(scenario, balancer, value) for balancer, value in p99_s.items()])
