"""What tokens say, and how backends are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.checks.claims import claim_of, fields_of, has_one_of, scopes_of, time_of
from openprequal.http1.fields import parse_field


@pytest.mark.parametrize(
    ("name", "found"),
    [("sub", "ann"), ("realm.roles", ["a"]), ("https://a.test/role", "x"), ("realm.no", None), ("sub.x", None)],
)
def test_claims_are_found_by_name_and_by_the_dots_in_it(name: str, found: object) -> None:
    claims = {"sub": "ann", "realm": {"roles": ["a"]}, "https://a.test/role": "x"}
    assert claim_of(claims, name) == found


@pytest.mark.parametrize(
    ("claim", "has"),
    [("a", True), (["x", "a"], True), (7, True), ("7", False), (True, False), (1, False), ("x", False), (None, False)],
)
def test_a_claim_has_one_of_the_values(claim: object, has: bool) -> None:
    assert has_one_of({"role": claim}, "role", ["a", "b", 7]) is has


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read  write"}, ["read", "write"]),
        ({"scp": ["read", 1, "write"]}, ["read", "write"]),
        ({"scp": "read"}, ["read"]),
        ({"scope": {"read": 1}}, []),
        ({}, []),
    ],
)
def test_scopes_as_the_issuers_write_them(claims: dict[str, object], scopes: list[str]) -> None:
    assert list(scopes_of(claims)) == scopes


@pytest.mark.parametrize("value", ["1", True, float("nan"), float("inf"), [], {}])
def test_what_is_no_time(value: object) -> None:
    with pytest.raises(ValueError, match="exp is no time"):
        time_of({"exp": value}, "exp")


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("ann", b"ann"),
        ("zoë", "zoë".encode()),
        (7, b"7"),
        (True, b"true"),
        (["a", "b", 7], b"a,b,7"),
        ({"a": [1, "b"]}, b'{"a":[1,"b"]}'),
    ],
)
def test_a_claim_becomes_a_field(claim: object, value: bytes) -> None:
    assert fields_of({"c": claim}, {"c": b"X-C"}) == ((b"X-C", value),)


@pytest.mark.parametrize("claim", [None, "", "a\r\nX-Admin: yes", "a\x00", " ann", "ann ", "\t", "\ud800", [], ["a,b"]])
def test_a_claim_that_no_field_carries_unmistakably_is_left_out(claim: object) -> None:
    assert fields_of({"c": claim}, {"c": b"X-C"}) == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(json_values)
def test_whatever_a_claim_is_its_field_is_one_line_that_reads_back(claim: object) -> None:
    for name, value in fields_of({"c": claim}, {"c": b"X-C"}):
        assert parse_field(name + b": " + value).value == value
