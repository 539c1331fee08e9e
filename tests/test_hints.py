"""The hint of a request: one rule on both sides, short, and never the value itself."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.hints import HintRule, hint_of, read_hint


def fields(**values: bytes) -> Callable[[bytes], bytes | None]:
    return lambda name: values.get(name.decode())


@pytest.mark.parametrize("rule", ["", "header:", "header:a b", "path:0", "path:100", "path:-1", "query:x", "None"])
def test_what_is_no_rule_is_refused_with_what_is_allowed(rule: str) -> None:
    with pytest.raises(ValueError, match="none, header:NAME, or path:N"):
        HintRule.parse(rule)


def test_by_the_rule_none_no_request_has_a_hint() -> None:
    assert HintRule.parse("none").of(b"/a", fields(a=b"1")) == b""


def test_a_header_is_named_in_any_case() -> None:
    assert HintRule.parse("header:TENANT").of(b"/", fields(tenant=b"7")) == hint_of(b"7")


@pytest.mark.parametrize("found", [{}, {"tenant": b""}])
def test_a_request_without_the_header_has_no_hint(found: dict[str, bytes]) -> None:
    assert HintRule.parse("header:tenant").of(b"/", fields(**found)) == b""


@pytest.mark.parametrize(
    ("rule", "path", "part"),
    [
        ("path:1", b"/a/b/c", b"/a"),
        ("path:2", b"/a/b/c", b"/a/b"),
        ("path:3", b"/a/b/c", b"/a/b/c"),
        ("path:4", b"/a/b/c", b"/a/b/c"),
        ("path:1", b"/", b"/"),
        ("path:2", b"*", b"*"),
    ],
)
def test_a_path_counts_as_far_as_the_rule_says(rule: str, path: bytes, part: bytes) -> None:
    assert HintRule.parse(rule).of(path, fields()) == hint_of(part)


@given(st.binary())
def test_a_hint_is_sixteen_digits_whatever_the_value(value: bytes) -> None:
    assert read_hint(hint_of(value)) == hint_of(value)
    assert len(hint_of(value)) == 16


def test_the_hint_of_a_value_is_what_other_implementations_compute() -> None:
    # b2sum -l 64
    assert hint_of(b"tenant-7") == b"169faae5173a8d16"


@pytest.mark.parametrize("value", [None, b"", b"0123456789abcde", b"0123456789ABCDEF", b"0123456789abcdef\n"])
def test_what_is_no_hint_is_ignored(value: bytes | None) -> None:
    assert read_hint(value) is None
