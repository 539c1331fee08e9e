"""How does a balancer say why a pick falls on this backend? What those that compare have in common."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from random import Random

from openprequal.balancing.power_of_two import PowerOfTwo
from openprequal.balancing.ranked import Candidate, LoadChoice
from openprequal.explanations import Considered, PickExplanation
from openprequal.probing.estimate import HELD_BACK, LoadEstimate
from openprequal.values import PickReason

NOBODY = "no backend is up that is not excluded"
ONLY_ONE = "it is the only one that may be picked"
DRAWN = "it was drawn at random; another draw may fall on another"

LEAST_RIF = 1e-9
"""A threshold below stands for 0, at which whoever has anything in flight is hot."""
TWO_DRAWN = "that were drawn at random"


@contextmanager
def same_draws(rng: Random) -> Iterator[None]:
    """What is drawn of *rng* inside will be drawn again after it."""
    state = rng.getstate()
    try:
        yield
    finally:
        rng.setstate(state)


def nobody(compares: str, threshold: float | None = None) -> PickExplanation:
    """There is nobody to pick."""
    return PickExplanation(picked=None, reason=None, compares=compares, because=NOBODY, rif_threshold=threshold)


def hashed(picked: str, where: str, hash_on: str) -> PickExplanation:
    """The request's hash fell on *picked*.

    :param where: where it fell, and what it looked for there.
    :param hash_on: what of the request is hashed.
    """
    return PickExplanation(
        picked=picked,
        reason=PickReason.HASHED.value,
        compares="",
        because=f"{where}, from where the request's {hash_on} falls, that may be picked; load does not count",
        pool=(Considered(id=picked),),
    )


def for_people(threshold: float) -> float:
    """θ as it is told."""
    return threshold if threshold > LEAST_RIF else 0.0


def explanation(
    picked: str | None, reason: PickReason, compares: str, pool: Sequence[Considered], *, tie: str, draw: str = ""
) -> PickExplanation:
    """Why *picked*, by a rule that takes the lowest figure of those compared.

    :param picked: id; None: there is nobody to pick.
    :param tie: what decides among equals, in words.
    :param draw: how those compared were found, in words; empty: they are all there are.
    """
    if picked is None:
        return nobody(compares)
    return PickExplanation(
        picked=picked,
        reason=reason.value,
        compares=compares,
        because=lowest(picked, compares, pool, tie=tie, draw=draw),
        pool=tuple(pool),
    )


def of_ranked(
    choice: LoadChoice[Candidate],
    up: Iterable[Candidate],
    exclude: Collection[str],
    rng: Random,
    compares: str,
    describe: Callable[[Candidate, bool], Considered],
) -> PickExplanation:
    """Why *choice* falls as it does.

    :param up: who may be picked.
    :param rng: what it draws of.
    :param describe: one of those, and whether it is compared.
    """
    with same_draws(rng):
        compared = choice.foresee(exclude)
    drawn = isinstance(choice, PowerOfTwo)
    return explanation(
        compared[0].id if compared else None,
        PickReason.LEAST,
        compares,
        [describe(each, each in compared) for each in up if each.id not in exclude],
        tie="it was drawn first" if drawn else "it is next in turn among those",
        draw=TWO_DRAWN if drawn else "",
    )


def lowest(picked: str, compares: str, pool: Iterable[Considered], *, tie: str, draw: str = "") -> str:
    """Why *picked* has won, whose figure is the lowest of those compared in *pool*, or counts as that; in words."""
    pool = [each for each in pool if each.compared]
    own = next((each.figure for each in pool if each.id == picked), None)
    others = sorted(each.figure for each in pool if each.figure is not None and each.id != picked)
    if own is None or not others:
        return ONLY_ONE
    among = f"of the {len(pool)} {draw}" if draw else f"of {len(pool)}"
    if others[0] < own:
        return f"its {compares}, {own:.4g}, counts as equal to the lowest {among}, {others[0]:.4g}, and {tie}"
    has = f"it has the lowest {compares}, {own:.4g}, {among}"
    equals = others.count(own)
    if equals:
        return f"{has}, as {equals} more {'has' if equals == 1 else 'have'}, and {tie}"
    return f"{has}; next is {others[0]:.4g}"


def considered(
    loads: Iterable[LoadEstimate],
    threshold: float,
    now_s: float,
    max_age_s: float,
    figure_of: Callable[[LoadEstimate], float],
) -> tuple[Considered, ...]:
    """Each of *loads*, whom a rule chooses among, as it is believed now.

    :param threshold: θ.
    :param max_age_s: from which age a report is an old one.
    :param figure_of: what the rule compares.
    """
    found = []
    for load in loads:
        estimate = load.estimate(now_s, max_age_s)
        beyond = HELD_BACK if load.held_back else 0.0
        found.append(
            Considered(
                id=load.id,
                figure=figure_of(load),
                rif=load.rif - beyond,
                latency_s=load.latency_s - beyond,
                score=load.score,
                hot=load.rif >= threshold,
                age_s=estimate.age_s,
                source=estimate.source.value,
                held_back=load.held_back,
            )
        )
    return tuple(found)


def by_rule(picked: str, reason: PickReason, pool: Sequence[Considered], threshold: float) -> str:
    """Why the hot-cold rule takes *picked*, in words."""
    chosen = next(each for each in pool if each.id == picked)
    if len(pool) == 1:
        return ONLY_ONE
    cold = [each for each in pool if not each.hot]
    below = f"RIF below {threshold:.4g}" if threshold > LEAST_RIF else "RIF 0"
    least = f"RIF {threshold:.4g} or more" if threshold > LEAST_RIF else "RIF above 0"
    latency, rif = f"{(chosen.latency_s or 0.0) * 1000:.4g} ms", f"{chosen.rif or 0.0:.4g}"
    if reason is PickReason.COLD:
        which = f"{len(cold)} of {len(pool)} are cold ({below})"
        return f"{which}, and of those its latency, {latency}, is the lowest or counts as equal to it"
    if reason is PickReason.FAST:
        return f"the {len(cold)} cold ones are many times slower, and of the hot ones its RIF, {rif}, is the lowest"
    return f"all {len(pool)} are hot ({least}), and its RIF, {rif}, is the lowest"
