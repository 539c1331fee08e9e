"""RingHash and Maglev: equal requests to equal backends, and few of them move."""

from collections import Counter

import pytest
from table import Table

from openprequal.errors import ConfigurationError
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.values import Backend

BOTH = pytest.mark.parametrize("name", ["ring_hash", "maglev"])
KEYS = 3000
QUICK_OR_EVEN: dict[str, dict[str, object]] = {
    "maglev": {"table_size": 10007},
    "ring_hash": {"replicas_per_backend": 500},
}


def table(name: str, *weights: float, **parameters: object) -> Table:
    return Table(name, *weights, **(QUICK_OR_EVEN[name] | parameters))


def places(table: Table, exclude: tuple[int, ...] = ()) -> list[int | None]:
    """Where each of many clients goes."""
    return [table.pick(exclude, AnyRequest(client=f"client {number}")) for number in range(KEYS)]


@BOTH
def test_a_client_always_goes_to_the_same_backend(name: str) -> None:
    balanced = table(name, 1, 1, 1)
    assert places(balanced) == places(balanced)


@BOTH
def test_all_processes_agree_in_whatever_order_backends_joined(name: str) -> None:
    one, other = table(name, 1, 1, 1, 1), table(name, seed=2)
    other.backends = one.backends
    for backend in reversed(other.backends):
        other.balancer.up(backend)
    assert places(one) == places(other)


@BOTH
def test_shares_follow_the_weights(name: str) -> None:
    counts = Counter(places(table(name, 1, 1, 2, 4)))
    expected = [KEYS / 8, KEYS / 8, KEYS / 4, KEYS / 2]
    assert [counts[place] for place in range(4)] == pytest.approx(expected, rel=0.25)


@BOTH
def test_when_one_goes_down_only_its_clients_move_and_to_all_others(name: str) -> None:
    balanced = table(name, *[1.0] * 10)
    before = places(balanced)
    balanced.balancer.down(balanced.backends[3])
    after = places(balanced)
    moved = Counter(new for old, new in zip(before, after, strict=True) if old != new)
    assert sum(moved.values()) == before.count(3)
    assert set(moved) == set(range(10)) - {3}


@BOTH
def test_when_it_is_up_again_all_is_as_it_was(name: str) -> None:
    balanced = table(name, *[1.0] * 10)
    before = places(balanced)
    balanced.balancer.down(balanced.backends[3])
    places(balanced)
    balanced.balancer.up(balanced.backends[3])
    assert places(balanced) == before


@BOTH
def test_an_excluded_backend_is_passed_over_as_one_that_is_down(name: str) -> None:
    balanced = table(name, *[1.0] * 10)
    excluded = places(balanced, exclude=(3,))
    balanced.balancer.down(balanced.backends[3])
    assert places(balanced) == excluded


@BOTH
def test_a_new_backend_takes_its_share_and_little_else_moves(name: str) -> None:
    balanced = table(name, *[1.0] * 9)
    before = places(balanced)
    balanced.backends.append(Backend("http://new.test:80"))
    balanced.balancer.up(balanced.backends[9])
    after = places(balanced)
    assert after.count(9) == pytest.approx(KEYS / 10, rel=0.3)
    elsewhere = sum(old != new for old, new in zip(before, after, strict=True) if new != 9)
    assert elsewhere <= (0 if name == "ring_hash" else 0.05 * KEYS)


@BOTH
def test_a_new_weight_changes_its_share(name: str) -> None:
    balanced = table(name, 1, 1, 1, 1)
    heavy = Backend(balanced.backends[0].url, weight=3.0)
    places(balanced)
    balanced.backends[0] = heavy
    balanced.balancer.reweighted(heavy)
    assert places(balanced).count(0) == pytest.approx(KEYS / 2, rel=0.2)


@BOTH
def test_when_most_are_gone_the_rest_share_all(name: str) -> None:
    balanced = table(name, *[1.0] * 20)
    places(balanced)
    for backend in balanced.backends[4:]:
        balanced.balancer.down(backend)
    counts = Counter(places(balanced))
    assert set(counts) == {0, 1, 2, 3}
    assert all(counts[place] == pytest.approx(KEYS / 4, rel=0.25) for place in range(4))


@BOTH
def test_a_client_is_told_apart_by_the_header_that_is_set(name: str) -> None:
    balanced = table(name, 1, 1, 1, 1, hash_on="header:X-User")
    by_user = [balanced.pick((), AnyRequest(fields=[(b"X-User", b"%d" % user)])) for user in range(100)]
    assert set(by_user) == {0, 1, 2, 3}
    elsewhere = AnyRequest(fields=[(b"x-user", b"7")], client="elsewhere")
    assert balanced.pick((), elsewhere) == by_user[7]


@BOTH
def test_picks_are_counted_as_hashed(name: str) -> None:
    balanced = table(name, 1, 1)
    places(balanced)
    assert balanced.balancer.pick_counts == {"hashed": KEYS}


@BOTH
@pytest.mark.parametrize("hash_on", ["", "ip", "header:", "header:a b", "cookie:a;b", "client:x", 7, "header:é"])
def test_what_it_cannot_hash_on_is_refused_with_what_it_can(name: str, hash_on: object) -> None:
    with pytest.raises(ConfigurationError, match=r"hash_on: .* allowed: client, header:NAME or cookie:NAME$"):
        table(name, hash_on=hash_on)


@pytest.mark.parametrize("size", [65536, 2, 65537.0, True, 4_999_999 + 2_000_000, 9409])
def test_a_table_size_that_is_no_prime_is_refused(size: object) -> None:
    with pytest.raises(ConfigurationError, match=r"table_size: .* allowed: a prime number from 3 to 5000011$"):
        Table("maglev", table_size=size)


def test_more_replicas_make_shares_more_even() -> None:
    def spread(replicas: int) -> float:
        counts = Counter(places(Table("ring_hash", *[1.0] * 10, replicas_per_backend=replicas)))
        return max(counts.values()) / (KEYS / 10)

    assert spread(1000) < 1.25 < spread(1)


def test_the_table_is_shared_out_evenly() -> None:
    balanced = Table("maglev", *[1.0] * 10, table_size=1009)
    balanced.pick()
    slots = Counter(balanced.balancer._table)
    assert set(slots.values()) == {100, 101}


def test_where_the_table_has_fewer_slots_than_backends_nobody_gets_lost() -> None:
    balanced = Table("maglev", *[1.0] * 20, table_size=3)
    assert len(set(places(balanced))) == 3
    assert balanced.pick(exclude=range(19)) == 19


def test_the_ring_does_not_keep_points_of_those_who_left_for_ever() -> None:
    balanced = Table("ring_hash", 1, 1, 1)
    for number in range(300):
        passing = Backend(f"http://passing{number}.test:80")
        balanced.balancer.up(passing)
        balanced.balancer.pick(AnyRequest(), ())
        balanced.balancer.down(passing)
    assert len(balanced.balancer._points) <= 1000
    assert len(balanced.balancer._owners) <= 10
