"""Field lines: what is one, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.http1.errors import MalformedMessage
from openprequal.http1.fields import MAX_REMEMBERED_LINES, list_members, parse_field, parse_fields


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (b"Host: a", b"Host", b"a"),
        (b"host:a", b"host", b"a"),
        (b"X-Empty:", b"X-Empty", b""),
        (b"X-Empty:  \t ", b"X-Empty", b""),
        (b"X: \t a  b\tc \t", b"X", b"a  b\tc"),
        (b"X: a: b", b"X", b"a: b"),
        (b"X: \xe9\xff", b"X", b"\xe9\xff"),
        (b"!#$%&'*+-.^_`|~09aZ: v", b"!#$%&'*+-.^_`|~09aZ", b"v"),
    ],
)
def test_a_field_line(line: bytes, name: bytes, value: bytes) -> None:
    field = parse_field(line)
    assert (field.name, field.value, field.key) == (name, value, name.lower())
    assert field.wire == name + b": " + value + b"\r\n"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no colon",
        b": no name",
        b"X : space before the colon",
        b"X\t: tab before the colon",
        b" X: obs-fold",
        b"\tX: obs-fold",
        b"X Y: space in the name",
        b"X(: not a token",
        "\N{LATIN SMALL LETTER E WITH ACUTE}: not ascii".encode(),
        b"X: a\x00b",
        b"X: a\rb",
        b"X: a\nb",
        b"X: a\x1fb",
        b"X: a\x7fb",
        b"X: a\n",
        b"X: a\r",
    ],
)
def test_a_line_that_is_no_field_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_field(line)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_field_that_cannot_split_a_message_or_are_refused(line: bytes) -> None:
    try:
        field = parse_field(line)
    except MalformedMessage:
        return
    assert not set(b"\r\n\x00") & set(field.name + field.value)
    assert b":" not in field.name
    assert field.value == field.value.strip(b" \t")
    assert parse_field(field.wire[:-2]).wire == field.wire


def test_fields_keep_their_order_case_and_duplicates() -> None:
    fields = parse_fields([b"Set-Cookie: a", b"set-cookie: b", b"X: c", b"Set-Cookie: a"])
    assert [(field.name, field.value) for field in fields] == [
        (b"Set-Cookie", b"a"),
        (b"set-cookie", b"b"),
        (b"X", b"c"),
        (b"Set-Cookie", b"a"),
    ]


def test_what_is_remembered_is_not_mixed_up_when_the_memory_is_full() -> None:
    for number in range(MAX_REMEMBERED_LINES + 10):
        parse_field(b"X-%d: %d" % (number, number))
    assert parse_field(b"X-7: 7").value == b"7"
    assert parse_field(b"X-7: 8").value == b"8"


@pytest.mark.parametrize(
    ("value", "members"),
    [
        (b"", []),
        (b" , ,", []),
        (b"close", [b"close"]),
        (b"Keep-Alive, X-A ,\tx-b", [b"keep-alive", b"x-a", b"x-b"]),
    ],
)
def test_the_members_of_a_list(value: bytes, members: list[bytes]) -> None:
    assert list_members(value) == members
