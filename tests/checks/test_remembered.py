"""What was found out is remembered for a time, in a bounded number, by digests."""

from twisted.internet.task import Clock

from openprequal.checks.remembered import Remembered


def remembered(clock: Clock, most: int = 2) -> Remembered[str]:
    return Remembered(clock.seconds, b"secret", most)


def test_a_value_is_there_until_its_time_is_over() -> None:
    clock = Clock()
    memory = remembered(clock)
    key = memory.key(b"a", b"b")
    memory.put(key, "value", 10.0)
    clock.advance(9.9)
    assert memory.get(key) == "value"
    clock.advance(0.1)
    assert memory.get(key) is None
    assert len(memory) == 0


def test_nothing_is_remembered_for_no_time() -> None:
    memory = remembered(Clock())
    memory.put(b"key", "value", 0)
    memory.put(b"key", "value", -1)
    assert len(memory) == 0


def test_a_new_value_replaces_the_oldest() -> None:
    memory = remembered(Clock())
    for name in (b"1", b"2", b"1", b"3"):
        memory.put(name, "value", 10.0)
    assert [memory.get(name) for name in (b"1", b"2", b"3")] == ["value", None, "value"]


def test_other_parts_have_another_key() -> None:
    memory = remembered(Clock())
    assert len({memory.key(*parts) for parts in [(b"a", b"bc"), (b"ab", b"c"), (b"abc",), (b"abc", b""), ()]}) == 5


def test_another_process_has_other_keys() -> None:
    assert remembered(Clock()).key(b"a") != Remembered(Clock().seconds, b"another").key(b"a")
