"""ProbePool: what leaves it, and when (section 4 of the paper)."""

from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.probing.probe_pool import ProbePool, worst
from openprequal.values import Backend, LoadReport


def load(number: int, rif: float = 0.0, latency_s: float = 0.1, at_s: float = 0.0) -> LoadEstimate:
    made = LoadEstimate(Backend(url=f"http://b{number}.test:1"), Peers())
    made.heard(LoadReport(rif, latency_s), at_s, on_response=False)
    return made


def test_a_full_pool_lets_the_oldest_go() -> None:
    pool = ProbePool(size=2, max_age_s=1)
    first, second, third = load(1), load(2), load(3)
    for each in (first, second, third):
        pool.add(each, uses=1)
    assert list(pool.loads) == [second, third]


def test_a_new_report_replaces_that_of_the_same_backend_and_is_the_youngest() -> None:
    pool = ProbePool(size=2, max_age_s=1)
    first, second = load(1), load(2)
    for each in (first, second, first):
        pool.add(each, uses=1)
    assert list(pool.loads) == [second, first]


def test_a_report_older_than_the_age_limit_leaves() -> None:
    pool = ProbePool(size=16, max_age_s=1)
    old, young = load(1, at_s=0.0), load(2, at_s=0.5)
    pool.add(old, uses=1)
    pool.add(young, uses=1)
    pool.expire(1.25)
    assert list(pool.loads) == [young]


def test_a_report_leaves_when_its_uses_are_spent() -> None:
    pool = ProbePool(size=16, max_age_s=1)
    only = load(1)
    pool.add(only, uses=2)
    pool.spend(only)
    assert only in pool
    pool.spend(only)
    assert only not in pool


def test_removal_takes_the_oldest_and_the_worst_in_turn() -> None:
    pool = ProbePool(size=16, max_age_s=1)
    loads = [load(number, latency_s=latency_s) for number, latency_s in enumerate((0.1, 0.9, 0.2, 0.5, 0.3))]
    for each in loads:
        pool.add(each, uses=1)
    left = []
    for _ in range(4):
        before = list(pool.loads)
        pool.remove_one(threshold=100)
        left += [each for each in before if each not in pool]
    assert left == [loads[0], loads[1], loads[2], loads[3]]


def test_removing_from_an_empty_pool_is_harmless() -> None:
    pool = ProbePool(size=16, max_age_s=1)
    pool.remove_one(threshold=1)
    assert len(pool) == 0


def test_the_worst_is_the_hot_one_with_the_highest_rif() -> None:
    loads = [load(1, rif=3, latency_s=9), load(2, rif=8, latency_s=0.1), load(3, rif=6, latency_s=5)]
    assert worst(loads, threshold=5) is loads[1]


def test_the_worst_is_the_slowest_if_none_is_hot() -> None:
    loads = [load(1, rif=3, latency_s=9), load(2, rif=8, latency_s=0.1), load(3, rif=6, latency_s=5)]
    assert worst(loads, threshold=100) is loads[0]


EVENTS = st.lists(
    st.tuples(st.sampled_from(("add", "spend", "expire", "discard", "remove")), st.integers(0, 7), st.integers(1, 3)),
    max_size=80,
)


@given(EVENTS, st.integers(1, 5), st.lists(st.sampled_from((0.0, 0.1, 0.6)), min_size=80, max_size=80))
def test_whatever_happens_it_holds_few_young_and_unspent_reports(
    events: list[tuple[str, int, int]], size: int, pauses: list[float]
) -> None:
    pool = ProbePool(size, max_age_s=1)
    loads = [load(number) for number in range(8)]
    now_s = 0.0
    left: dict[LoadEstimate, int] = {}
    for (event, number, uses), pause_s in zip(events, pauses, strict=False):
        now_s += pause_s
        each = loads[number]
        if event == "add":
            each.heard(LoadReport(float(uses), 0.1 * number), now_s, on_response=False)
            pool.add(each, uses)
            left[each] = uses
            assert each in pool
        elif event == "spend":
            pool.spend(each)
            left[each] = left.get(each, 0) - 1
        elif event == "expire":
            pool.expire(now_s)
            assert all(now_s - here.reported_s <= 1 for here in pool.loads)
        elif event == "discard":
            pool.discard(each)
            assert each not in pool
        else:
            before = len(pool)
            pool.remove_one(threshold=2.0)
            assert len(pool) == max(0, before - 1)
        here = list(pool.loads)
        assert len(here) <= size
        assert all(left[each] > 0 for each in here)
        assert [each.reported_s for each in here] == sorted(each.reported_s for each in here)
