"""Token buckets: what each key gets, and that spraying keys neither grows the memory nor washes anything away."""

from hypothesis import given
from hypothesis import strategies as st

from openprequal.limiting.token_buckets import SHARED, TokenBuckets


def taken(buckets: TokenBuckets, key: object, now: float, tries: int = 1000) -> int:
    """How many of *tries* at once get a token."""
    return sum(buckets.take(key, now) == 0.0 for _ in range(tries))


def test_a_key_that_is_new_may_take_a_burst_and_no_more() -> None:
    assert taken(TokenBuckets(10.0, 5), "a", 1000.0) == 5


def test_tokens_come_at_the_rate() -> None:
    buckets = TokenBuckets(10.0, 5)
    taken(buckets, "a", 1000.0)
    assert buckets.take("a", 1000.0) == 0.1 or abs(buckets.take("a", 1000.0) - 0.1) < 1e-6
    assert taken(buckets, "a", 1000.3) == 3
    assert taken(buckets, "a", 2000.0) == 5


def test_a_refusal_costs_nothing() -> None:
    buckets = TokenBuckets(1.0, 1)
    assert taken(buckets, "a", 1000.0, tries=100) == 1
    assert taken(buckets, "a", 1001.0) == 1


def test_keys_do_not_share() -> None:
    buckets = TokenBuckets(1.0, 3)
    assert [taken(buckets, key, 1000.0) for key in "abc"] == [3, 3, 3]


def test_what_is_given_back_can_be_taken_again() -> None:
    buckets = TokenBuckets(1.0, 2)
    taken(buckets, "a", 1000.0)
    buckets.give_back("a")
    assert taken(buckets, "a", 1000.0) == 1


@given(
    per_second=st.floats(0.01, 1000.0),
    burst=st.integers(1, 50),
    waits=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60),
)
def test_nobody_ever_gets_more_than_the_burst_and_the_rate(per_second: float, burst: int, waits: list[float]) -> None:
    buckets = TokenBuckets(per_second, burst)
    began = now = 1000.0
    given_out = 0
    for wait_s in waits:
        now += wait_s
        given_out += taken(buckets, "a", now, tries=burst + 5)
        assert given_out <= burst + (now - began) * per_second * (1 + 1e-6) + 1e-3


@given(per_second=st.floats(0.01, 1000.0), burst=st.integers(1, 50), waits=st.lists(st.floats(0.0, 100.0), max_size=60))
def test_who_waits_as_long_as_told_is_admitted(per_second: float, burst: int, waits: list[float]) -> None:
    buckets = TokenBuckets(per_second, burst)
    now = 1000.0
    for wait_s in waits:
        now += wait_s
        if told_s := buckets.take("a", now):
            now += told_s
            assert buckets.take("a", now) == 0.0


def test_keys_that_are_full_again_are_forgotten() -> None:
    buckets = TokenBuckets(1.0, 10)
    for number in range(1000):
        buckets.take(number, 1000.0)
    assert len(buckets) == 1000
    buckets.take("a", 1011.0)
    buckets.take("a", 1022.0)
    assert len(buckets) == 1


def test_spraying_keys_does_not_grow_the_memory() -> None:
    buckets = TokenBuckets(1.0, 10, max_keys=100)
    for number in range(10_000):
        buckets.take(f"key {number}", 1000.0 + number * 0.01)
        assert len(buckets) <= 100


def test_spraying_keys_does_not_wash_away_what_another_has_used() -> None:
    buckets = TokenBuckets(1.0, 100, max_keys=50)
    assert taken(buckets, "greedy", 1000.0) == 100
    for number in range(50_000):
        buckets.take(f"key {number}", 1000.0 + number * 0.001)
    assert taken(buckets, "greedy", 1050.0) == 50


def test_a_key_that_was_there_before_the_spraying_keeps_its_own_bucket() -> None:
    buckets = TokenBuckets(1.0, 10, max_keys=50)
    buckets.take("honest", 1000.0)
    for number in range(20_000):
        buckets.take(f"key {number}", 1000.0)
    assert taken(buckets, "honest", 1000.0) == 9
    # In the next turn too, in which the table is full of the sprayed ones' earlier buckets.
    assert taken(buckets, "honest", 1011.0) == 10


def test_keys_without_a_bucket_of_their_own_share_the_rate_of_a_few() -> None:
    buckets = TokenBuckets(1.0, 2, max_keys=1)
    buckets.take("first", 1000.0)
    admitted = sum(buckets.take(f"key {number}", 1000.0) == 0.0 for number in range(10 * SHARED))
    assert SHARED < admitted <= 2 * SHARED
