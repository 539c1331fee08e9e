"""Why did a pick fall on this backend? What a balancer that probes can say of one, for people."""

from collections.abc import Iterable

from attrs import frozen

from openprequal.probing.estimate import LoadEstimate


@frozen
class Considered:
    """One backend as a pick saw it."""

    id: str
    rif: float
    """Believed, its weight divided out; beyond all measure if it is held back."""
    latency_s: float
    """Believed, at that RIF."""
    score: float
    """What the blended rule compares."""
    hot: bool
    """Its RIF is at the threshold or above."""
    age_s: float | None
    """Of its last report; None: it never reported."""
    source: str
    """What the belief rests on."""
    held_back: bool
    """It fails more than its peers, or drains."""


@frozen
class PickExplanation:
    """Why a pick fell as it did."""

    picked: str | None
    """Id of the backend; None: there was none to pick."""
    reason: str | None
    rif_threshold: float
    """θ: from this RIF on a backend is hot."""
    exponent: float
    """How the latency of these backends has been seen to grow with the RIF: 0 not at all, 1 in proportion."""
    pool: tuple[Considered, ...]
    """Whom the rule chose among; of a random pick, or a trial, whom it would have."""


def considered(
    loads: Iterable[LoadEstimate], threshold: float, now_s: float, max_age_s: float
) -> tuple[Considered, ...]:
    """Each of *loads*, whom a rule chooses among, as it is believed now.

    :param threshold: θ.
    :param max_age_s: from which age a report is an old one.
    """
    found = []
    for load in loads:
        estimate = load.estimate(now_s, max_age_s)
        found.append(
            Considered(
                id=load.id,
                rif=load.rif,
                latency_s=load.latency_s,
                score=load.score,
                hot=load.rif >= threshold,
                age_s=estimate.age_s,
                source=estimate.source,
                held_back=load.held_back,
            )
        )
    return tuple(found)
