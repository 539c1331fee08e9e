"""Is a case good under every way of cutting it?"""

from collections.abc import Iterator
from random import Random

from attrs import evolve

from tests.fuzz.case import Case
from tests.fuzz.drive import run
from tests.fuzz.judge import judge
from tests.fuzz.plan import random_cuts

SHORT = 500


def complaints(case: Case) -> list[str]:
    """What is wrong with *case* as it is."""
    return judge(case, run(case)).complaints


def differing(case: Case, reference: Case) -> list[str]:
    """What is wrong with *case*, and whether it ends differently than *reference*, the same otherwise cut."""
    one, other = judge(case, run(case)), judge(reference, run(reference))
    found = one.complaints
    if not found and one.invariant != other.invariant:
        found = [f"depends on how it is cut:\n  {one.invariant}\nbut {other.invariant}"]
    return found


def uncut(case: Case) -> Case:
    """*case* in one piece each, one after the other."""
    return evolve(case, cuts=(), schedule=0, answers=tuple(evolve(answer, cuts=()) for answer in case.answers))


def ways_of_cutting(case: Case, rng: Random, *, thoroughly: bool) -> Iterator[Case]:
    """*case* cut otherwise; *thoroughly*: at each boundary there is."""
    size = len(case.client)
    every = [range(1, len(answer.data)) if len(answer.data) <= SHORT else () for answer in case.answers]
    if size <= SHORT:
        yield evolve(case, cuts=tuple(range(1, size)))
    yield evolve(case, answers=tuple(evolve(a, cuts=tuple(cuts)) for a, cuts in zip(case.answers, every, strict=True)))
    yield evolve(case, cuts=random_cuts(rng, size), schedule=rng.getrandbits(16))
    if not thoroughly:
        return
    if size <= SHORT:
        for cut in range(1, size):
            yield evolve(case, cuts=(cut,))
    for number, answer in enumerate(case.answers):
        if len(answer.data) <= SHORT:
            for cut in range(1, len(answer.data)):
                answers = [*case.answers]
                answers[number] = evolve(answer, cuts=(cut,))
                yield evolve(case, answers=tuple(answers))
