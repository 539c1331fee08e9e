"""What clients say in Authorization, and what of it can be read."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import basic, request

from openprequal.checks.authorization import Authorization, authorization_of, quoted, user_and_password
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead


def test_a_request_that_brings_nothing() -> None:
    assert authorization_of(request()) is None


def test_the_scheme_is_case_insensitive() -> None:
    assert authorization_of(request(b"Authorization: bEARER  a.b-c_d~e+f/g==")) == (b"bearer", b"a.b-c_d~e+f/g==")


@pytest.mark.parametrize("value", [b"", b"Basic", b"Bearer a b", b"Bearer a,b", b"=", b"Digest a=b", b"Bearer \xff"])
def test_what_cannot_be_read_is_of_no_scheme(value: bytes) -> None:
    assert authorization_of(request(b"Authorization: " + value)) == (b"", b"")


def test_two_fields_cannot_be_read() -> None:
    assert authorization_of(request(basic("a", "b"), basic("c", "d"))) == (b"", b"")


@given(st.binary(max_size=80))
def test_no_value_raises_and_none_is_shown(value: bytes) -> None:
    head = RequestHead(b"GET", b"/", 1, [Field(b"Host", b"a"), Field(b"Authorization", value)], "")
    given = authorization_of(head)
    assert given is not None
    assert repr(given) == f"Authorization({given.scheme!r}, …)"


@given(st.binary(max_size=80))
def test_no_credentials_of_basic_raise(credentials: bytes) -> None:
    pair = user_and_password(credentials)
    assert pair is None or ":" not in pair[0]


names = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters=":"), max_size=20)
passwords = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)


@given(names, passwords)
def test_user_and_password_come_as_they_were_sent(user: str, password: str) -> None:
    given = authorization_of(request(basic(user, password)))
    assert given is not None
    assert user_and_password(given.credentials) == (user, password.encode())


@pytest.mark.parametrize(
    "text", [b"no colon", b"a\x00:b", b"a:b\n", b"a:\x7f", b"a:\xc2\x85", b"\xff:b", b"a:\xc3\x28"]
)
def test_pairs_that_cannot_be_read(text: bytes) -> None:
    assert user_and_password(base64.b64encode(text)) is None


@pytest.mark.parametrize("credentials", [b"", b"YTp", b"YT pi", b"YTpi\n", b"*"])
def test_base64_must_be_well_formed(credentials: bytes) -> None:
    assert user_and_password(credentials) is None


def test_the_credentials_are_not_shown() -> None:
    assert "secret" not in repr(Authorization(b"bearer", b"secret"))


def test_a_quoted_string_holds_what_it_is_given() -> None:
    assert quoted('a "b" \\c') == b'"a \\"b\\" \\\\c"'
