"""LeastLoad: the choice is that of a full scan, whatever happened before."""

from random import Random

import pytest

from openprequal.balancing.least_load import LeastLoad
from openprequal.balancing.ranked import Ranked
from openprequal.testing.balancer_contract import some_backends


@pytest.mark.parametrize("seed", range(10))
def test_it_chooses_as_a_scan_of_everyone_would(seed: int) -> None:
    rng = Random(seed)
    everyone = [Ranked(backend) for backend in some_backends(rng.choice((3, 30, 300)))]
    choice: LeastLoad[Ranked] = LeastLoad()
    there: set[Ranked] = set()
    last = -1
    for _ in range(2000):
        candidate = rng.choice(everyone)
        match rng.randrange(6):
            case 0:
                choice.add(candidate)
                there.add(candidate)
            case 1 if rng.random() < 0.3:
                choice.discard(candidate)
                there.discard(candidate)
            case 2 | 3:
                candidate.load = rng.choice((0.0, 0.5, 1.0, rng.random(), float("inf")))
                choice.moved(candidate)
            case _:
                exclude = {each.id for each in everyone if rng.random() < 0.2}
                allowed = [each for each in there if each.id not in exclude]
                chosen = choice.choose(exclude)
                if not allowed:
                    assert chosen is None
                    continue
                least = [each for each in allowed if each.load == min(each.load for each in allowed)]
                later = [each for each in least if each.place > last]
                assert chosen is min(later or least, key=lambda each: each.place)
                last = chosen.place


def test_loads_that_nobody_has_any_more_do_not_pile_up() -> None:
    choice: LeastLoad[Ranked] = LeastLoad()
    everyone = [Ranked(backend) for backend in some_backends(10)]
    for candidate in everyone:
        choice.add(candidate)
    for number in range(10_000):
        candidate = everyone[number % 10]
        candidate.load = 1e6 - number
        choice.moved(candidate)
    assert len(choice._loads) < 200
    assert choice.choose(()) is everyone[-1]
