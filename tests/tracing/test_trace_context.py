"""What a request says of its trace is read to the letter of W3C Trace Context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.http1.fields import Field, parse_fields
from openprequal.tracing.trace_context import MOST_MEMBERS, TraceContext, trace_context, trace_lines

TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = b"00f067aa0ba902b7"
PARENT = b"00-" + TRACE + b"-" + SPAN + b"-01"
HEX = "0123456789abcdef"


def told(*parents: bytes, states: tuple[bytes, ...] = ()) -> TraceContext | None:
    parts = [Field(b"Traceparent", value) for value in parents]
    return trace_context([*parts, *(Field(b"tracestate", value) for value in states)])


def test_ids_and_flag_are_read() -> None:
    assert told(PARENT) == TraceContext(int(TRACE, 16), int(SPAN, 16), True, b"")


@pytest.mark.parametrize(("flags", "sampled"), [(b"00", False), (b"01", True), (b"02", False), (b"ff", True)])
def test_of_the_flags_only_sampled_means_something(flags: bytes, sampled: bool) -> None:
    context = told(PARENT[:-2] + flags)
    assert context is not None
    assert context.sampled is sampled


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        PARENT[:-1],
        PARENT + b"-",
        PARENT + b"-what",
        PARENT + b"0",
        b"ff" + PARENT[2:],
        b"0" + PARENT,
        PARENT.upper(),
        PARENT.replace(TRACE, b"0" * 32),
        PARENT.replace(SPAN, b"0" * 16),
        PARENT.replace(b"-", b"_"),
        PARENT[:-2] + b"0g",
        PARENT + b", " + PARENT,
        b"cc" + PARENT[2:] + b"what",
    ],
)
def test_what_is_not_well_formed_says_nothing(parent: bytes) -> None:
    assert told(parent) is None


@pytest.mark.parametrize("rest", [b"", b"-", b"-what the future brings"])
def test_a_later_version_is_read_as_far_as_it_is_known(rest: bytes) -> None:
    assert told(b"cc" + PARENT[2:] + rest) == told(PARENT)


def test_two_parents_say_nothing_even_if_they_agree() -> None:
    assert told(PARENT, PARENT) is None


def test_a_state_without_a_parent_says_nothing() -> None:
    assert told(states=(b"a=1",)) is None


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((), b""),
        ((b"a=1",), b"a=1"),
        ((b"a=1", b"b=2"), b"a=1, b=2"),
        ((b"tenant@system=x y, b=2,,",), b"tenant@system=x y, b=2,,"),
        ((b",".join(b"k%d=v" % number for number in range(MOST_MEMBERS)),), None),
    ],
)
def test_a_state_is_kept_as_it_came(states: tuple[bytes, ...], state: bytes | None) -> None:
    context = told(PARENT, states=states)
    assert context is not None
    assert context.state == (states[0] if state is None else state)


@pytest.mark.parametrize(
    "state",
    [
        b"no value",
        b"A=1",
        b"a=",
        b"a=b=c",
        b"a=1, \x80=2",
        b"k" * 257 + b"=1",
        b"a=" + b"v" * 257,
        b",".join(b"k%d=v" % number for number in range(MOST_MEMBERS + 1)),
        b" , ",
    ],
)
def test_a_state_that_cannot_be_read_is_dropped_and_the_trace_goes_on(state: bytes) -> None:
    context = told(PARENT, states=(state,))
    assert context == told(PARENT)


@given(st.lists(st.binary(max_size=80) | st.text(HEX + "-", max_size=60).map(str.encode), max_size=3))
def test_garbage_never_raises(values: list[bytes]) -> None:
    context = told(*values, states=tuple(values))
    assert context is None or len(values) == 1


@given(
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.sampled_from([b"", b"a=1", b"a=1, t@s=x y"]),
)
def test_what_is_written_is_read_again(trace_id: int, span_id: int, sampled: bool, state: bytes) -> None:
    lines = trace_lines(trace_id, span_id, sampled=sampled, state=state)
    fields = parse_fields(lines.split(b"\r\n")[:-1])
    assert trace_context(fields) == TraceContext(trace_id, span_id, sampled, state)


def test_a_written_parent_is_of_version_00() -> None:
    assert trace_lines(int(TRACE, 16), int(SPAN, 16), sampled=True, state=b"") == b"traceparent: " + PARENT + b"\r\n"
