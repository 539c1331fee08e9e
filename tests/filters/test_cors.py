"""What other origins are told (Fetch standard, "CORS protocol")."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.filters.cors import CorsRules
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead

ORIGIN = b"https://app.test"


def request(origin: bytes | None = ORIGIN, method: bytes = b"GET", *fields: tuple[bytes, bytes]) -> RequestHead:
    given = [Field(b"Host", b"a.test"), *(Field(name, value) for name, value in fields)]
    if origin is not None:
        given.append(Field(b"Origin", origin))
    return RequestHead(method, b"/", 1, given, "192.0.2.1")


def preflight(origin: bytes = ORIGIN, asks: bytes = b"PUT", headers: bytes | None = None) -> RequestHead:
    fields = [(b"Access-Control-Request-Method", asks)]
    if headers is not None:
        fields.append((b"Access-Control-Request-Headers", headers))
    return request(origin, b"OPTIONS", *fields)


def rules(**changes: Any) -> CorsRules:
    return CorsRules(**{"origins": frozenset({ORIGIN}), **changes})


def answer(cors: CorsRules, asked: RequestHead, *fields: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    section = cors.head(asked, FieldSection([Field(name, value) for name, value in fields]))
    return {field.key: field.value for field in section.fields}


def told(cors: CorsRules, asked: RequestHead) -> dict[bytes, bytes]:
    return {field.key: field.value for field in cors.preflight_fields(asked)}


def test_an_origin_of_the_list_is_named_in_the_response() -> None:
    assert answer(rules(), request()) == {b"access-control-allow-origin": ORIGIN, b"vary": b"Origin"}


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.test",
        b"http://app.test",
        b"https://app.test:8443",
        b"https://app.test.evil.test",
        b"null",
        b"",
        None,
    ],
)
def test_any_other_gets_nothing_but_vary(origin: bytes | None) -> None:
    assert answer(rules(), request(origin)) == {b"vary": b"Origin"}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (b"https://a.example.test", True),
        (b"https://a.b.example.test", True),
        (b"https://example.test", False),
        (b"https://.example.test", False),
        (b"http://a.example.test", False),
        (b"https://a.example.test:444", False),
        (b"https://evil-example.test", False),
        (b"https://evil.test/.example.test", False),
        (b"https://evil.test?.example.test", False),
        (b"https://x@evil.test#.example.test", False),
        (b"null", False),
    ],
)
def test_subdomains_are_what_is_below_and_nothing_that_looks_like_it(origin: bytes, *, allowed: bool) -> None:
    cors = rules(suffixes=((b"https://", b".example.test"),))
    assert cors.allows(origin) is allowed


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
def test_no_origin_but_those_below_the_suffix_is_taken_for_one(text: str) -> None:
    cors = CorsRules(suffixes=((b"https://", b".example.test"),))
    origin = b"https://" + text.encode()
    assert not cors.allows(origin) or origin.endswith(b".example.test")
    assert not cors.allows(b"https://" + text.encode() + b"/x.example.test")


def test_everybody_is_told_so_whoever_asks_and_no_cache_has_to_tell_them_apart() -> None:
    cors = CorsRules(everybody=True)
    for origin in (ORIGIN, b"null", None):
        assert answer(cors, request(origin)) == {b"access-control-allow-origin": b"*"}


def test_credentials_and_what_scripts_may_read_are_told() -> None:
    fields = answer(rules(credentials=True, expose=("X-Total", "ETag")), request())
    assert fields[b"access-control-allow-credentials"] == b"true"
    assert fields[b"access-control-expose-headers"] == b"X-Total, ETag"


def test_an_origin_that_may_not_is_told_nothing_of_credentials() -> None:
    assert b"access-control-allow-credentials" not in answer(rules(credentials=True), request(b"https://evil.test"))


def test_what_the_backend_says_of_it_is_replaced() -> None:
    fields = answer(
        rules(), request(b"https://evil.test"), (b"Access-Control-Allow-Origin", b"*"), (b"Content-Type", b"text/html")
    )
    assert fields == {b"content-type": b"text/html", b"vary": b"Origin"}


def test_or_kept_where_that_is_wanted_as_it_is() -> None:
    cors = rules(keep_backends=True, credentials=True)
    assert answer(cors, request(), (b"Access-Control-Allow-Origin", b"*")) == {b"access-control-allow-origin": b"*"}
    assert answer(cors, request())[b"access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    ("asked", "is_one"),
    [
        (preflight(), True),
        (request(method=b"OPTIONS"), False),
        (request(None, b"OPTIONS", (b"Access-Control-Request-Method", b"PUT")), False),
        (request(ORIGIN, b"POST", (b"Access-Control-Request-Method", b"PUT")), False),
    ],
)
def test_a_preflight_has_its_method_an_origin_and_what_it_asks_for(asked: RequestHead, *, is_one: bool) -> None:
    assert rules().is_preflight(asked) is is_one


def test_a_preflight_is_told_what_may_be_asked() -> None:
    cors = rules(methods=("GET", "PUT"), headers=("X-Key", "Content-Type"), max_age_s=600, credentials=True)
    assert told(cors, preflight()) == {
        b"access-control-allow-origin": ORIGIN,
        b"access-control-allow-credentials": b"true",
        b"vary": b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        b"access-control-allow-methods": b"GET, PUT",
        b"access-control-allow-headers": b"X-Key, Content-Type",
        b"access-control-max-age": b"600",
    }


def test_a_preflight_from_elsewhere_is_told_nothing() -> None:
    assert set(told(rules(methods=("*",)), preflight(b"https://evil.test"))) == {b"vary"}


def test_where_anything_may_be_asked_the_answer_names_what_was() -> None:
    fields = told(rules(methods=("*",), headers=("*",)), preflight(headers=b"x-key,x-other"))
    assert fields[b"access-control-allow-methods"] == b"PUT"
    assert fields[b"access-control-allow-headers"] == b"x-key,x-other"


@pytest.mark.parametrize("garbage", [b"x y", b"x,", b"x:y", b'"x"', b"x" * 5000])
def test_but_only_if_it_is_a_list_of_names(garbage: bytes) -> None:
    fields = told(rules(methods=("*",), headers=("*",)), preflight(asks=b"P/T", headers=garbage))
    assert b"access-control-allow-methods" not in fields
    assert b"access-control-allow-headers" not in fields
