"""Why does a pick fall on this backend? What a balancer can say of one, for people."""

from attrs import frozen


@frozen(kw_only=True)
class Considered:
    """One backend as a pick sees it."""

    id: str
    figure: float | None = None
    """What the rule compares, of this backend; beyond all measure if it is held back. None: nothing is compared."""
    compared: bool = True
    """False: it may be picked, but this pick does not look at it, because two others were drawn."""
    rif: float | None = None
    """Believed, its weight divided out; None: the balancer has no belief."""
    latency_s: float | None = None
    """Believed, at that RIF."""
    score: float | None = None
    """What the blended rule compares; beyond all measure if it is held back."""
    hot: bool | None = None
    """Its RIF is at the threshold or above."""
    age_s: float | None = None
    """Of its last report; None: it never reported, or the balancer does not ask."""
    source: str | None = None
    """What the belief rests on."""
    held_back: bool = False
    """It fails more than its peers, or drains."""


@frozen(kw_only=True)
class PickExplanation:
    """Why a pick falls as it does."""

    picked: str | None
    """Id of the backend; None: there is none to pick."""
    reason: str | None
    """A :class:`~openprequal.values.PickReason`; None: there is none to pick."""
    compares: str
    """What the rule compares, in words; empty: nothing."""
    because: str
    """What decided, for people: goes after "because"."""
    rif_threshold: float | None = None
    """θ: from this RIF on a backend is hot; None: the balancer knows no hot and cold."""
    exponent: float | None = None
    """How the latency of these backends has been seen to grow with the RIF: 0 not at all, 1 in proportion."""
    pool: tuple[Considered, ...] = ()
    """Whom the rule chooses among; of a random pick, or a trial, whom it would."""
