"""The draw of two."""

from collections import Counter
from random import Random

import pytest

from openprequal.balancing.in_flight_counts import Counted
from openprequal.balancing.power_of_two import draw_two
from openprequal.testing.balancer_contract import some_backends


@pytest.mark.parametrize(("count", "excluded"), [(2, 0), (3, 0), (5, 0), (5, 2), (20, 3), (40, 37)])
def test_every_pair_that_is_allowed_is_equally_likely(count: int, excluded: int) -> None:
    members = [Counted(backend) for backend in some_backends(count)]
    exclude = {member.id for member in members[:excluded]}
    left = count - excluded
    pairs = left * (left - 1) // 2
    rng = Random(1)
    drawn: Counter[frozenset[str]] = Counter()
    for _ in range(200 * pairs):
        one, other = draw_two(members, exclude, rng.random)
        assert one is not None
        assert other is not None
        drawn[frozenset((one.id, other.id))] += 1
    assert len(drawn) == pairs
    assert all(len(pair) == 2 and not pair & exclude for pair in drawn)
    assert all(120 < times < 280 for times in drawn.values())


@pytest.mark.parametrize("count", [1, 40])
def test_the_only_one_left_is_drawn_alone(count: int) -> None:
    members = [Counted(backend) for backend in some_backends(count)]
    exclude = [member.id for member in members[1:]]
    assert draw_two(members, exclude, Random(1).random) == (members[0], None)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_with_all_excluded_nobody_is_drawn(count: int) -> None:
    members = [Counted(backend) for backend in some_backends(count)]
    assert draw_two(members, [member.id for member in members], Random(1).random) == (None, None)
