"""How many picks may one probe response serve?"""

from random import Random


def reuse_budget(pool_size: int, backends: int, probe_rate: float, remove_rate: float, delta: float) -> float | None:
    """The paper's ``b_reuse = max{1, (1 + delta) / ((1 - m/n) * r_probe - r_remove)}`` (section 4).

    Check: m=16, n=100, r_probe=3, r_remove=1, delta=1 gives 1.32. The denominator is what probing brings in per query,
    less what replaces a response the pool already has (m/n of it) and what is removed. Where it is not positive the
    formula says nothing, and neither does the paper: at its baseline parameters for up to 24 backends, and at every
    number of backends when ``probe_rate <= remove_rate``.

    :return: uses a response is worth, at least 1; None where the formula is undefined.
    """
    if backends <= 0:
        return None
    surplus = (1.0 - pool_size / backends) * probe_rate - remove_rate
    # 24 backends give a surplus of exactly 0, which binary fractions miss by a hair.
    if surplus <= 1e-9:
        return None
    return max(1.0, (1.0 + delta) / surplus)


def round_randomly(value: float, rng: Random) -> int:
    """*value* rounded up or down at random, so that its expectation is kept."""
    whole = int(value)
    fraction = value - whole
    return whole + 1 if fraction and rng.random() < fraction else whole
