"""Which responses are compressed, and what their heads say then."""

from typing import Any

import pytest

from openprequal.filters.codings import coders
from openprequal.filters.compression import CompressionRules, Places, compressed_head, not_modified_head
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead

HTML = (b"Content-Type", b"text/html; charset=utf-8")


def section(*fields: tuple[bytes, bytes]) -> FieldSection:
    return FieldSection([Field(name, value) for name, value in fields])


def request(*fields: tuple[bytes, bytes]) -> RequestHead:
    given = [Field(b"Host", b"a.test"), *(Field(name, value) for name, value in fields)]
    return RequestHead(b"GET", b"/", 1, given, "192.0.2.1")


def rules(**changes: Any) -> CompressionRules:
    return CompressionRules(coders(None, {}), Places(4), **changes)


@pytest.mark.parametrize(
    "content_type",
    [
        b"text/html",
        b"TEXT/HTML;charset=utf-8",
        b"text/css",
        b"application/json",
        b"application/problem+json",
        b"application/javascript",
        b"image/svg+xml",
        b"application/atom+xml",
        b"application/wasm",
    ],
)
def test_text_is_compressed(content_type: bytes) -> None:
    assert rules().may_compress(request(), 200, section((b"Content-Type", content_type)))


@pytest.mark.parametrize(
    "content_type",
    [
        b"image/png",
        b"video/mp4",
        b"application/zip",
        b"application/octet-stream",
        b"",
        b"text",
        b"text/",
        b"text/event-stream",
    ],
)
def test_what_is_no_text_or_a_stream_of_events_is_not(content_type: bytes) -> None:
    assert not rules().may_compress(request(), 200, section((b"Content-Type", content_type)))


def test_a_response_that_does_not_say_what_it_is_stays_as_it_is() -> None:
    assert not rules().may_compress(request(), 200, section())


def test_a_stream_of_events_is_compressed_where_it_is_named() -> None:
    named = rules(content_types=("text/*", "text/event-stream"))
    assert named.may_compress(request(), 200, section((b"Content-Type", b"text/event-stream")))


@pytest.mark.parametrize("status", [204, 205, 206, 304])
def test_a_status_without_content_or_with_a_part_of_it_is_left_alone(status: int) -> None:
    assert not rules().may_compress(request(), status, section(HTML))


@pytest.mark.parametrize("status", [200, 201, 404, 500])
def test_any_other_status_is_compressed(status: int) -> None:
    assert rules().may_compress(request(), status, section(HTML))


@pytest.mark.parametrize(
    "field",
    [
        (b"Content-Encoding", b"br"),
        (b"Content-Encoding", b"identity"),
        (b"Content-Range", b"bytes 0-9/10"),
        (b"Cache-Control", b"max-age=60, No-Transform"),
        (b"Content-Digest", b"sha-256=:AAAA:"),
        (b"Repr-Digest", b"sha-256=:AAAA:"),
        (b"Content-Length", b"1023"),
        (b"Content-Length", b"x"),
    ],
)
def test_a_response_that_is_to_stay_as_it_is_does(field: tuple[bytes, bytes]) -> None:
    assert not rules().may_compress(request(), 200, section(HTML, field))


def test_a_length_that_is_enough_is_enough() -> None:
    assert rules().may_compress(request(), 200, section(HTML, (b"Content-Length", b"1024")))


def test_a_client_may_want_nothing_transformed() -> None:
    asked = request((b"Cache-Control", b"no-transform"))
    assert not rules().may_compress(asked, 200, section(HTML))


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ([(b"Cookie", b"a=b")], []),
        ([(b"Authorization", b"Bearer x")], []),
        ([], [(b"Set-Cookie", b"a=b")]),
    ],
)
def test_what_may_hold_secrets_is_spared_where_that_is_wanted(
    asked: list[tuple[bytes, bytes]], answered: list[tuple[bytes, bytes]]
) -> None:
    head, fields = request(*asked), section(HTML, *answered)
    assert rules().may_compress(head, 200, fields)
    assert not rules(spare_secrets=True).may_compress(head, 200, fields)


def test_several_lines_of_accept_encoding_are_one_list() -> None:
    asked = request((b"Accept-Encoding", b"gzip;q=0.5"), (b"Accept-Encoding", b"br"))
    assert rules().coding_for(asked) == b"br"


def test_a_compressed_head_no_longer_speaks_of_the_bytes_that_were() -> None:
    before = section(
        HTML, (b"Content-Length", b"5000"), (b"Accept-Ranges", b"bytes"), (b"ETag", b'"abc"'), (b"Vary", b"Cookie")
    )
    assert compressed_head(before, b"br", None).wire == (
        b"Content-Type: text/html; charset=utf-8\r\n"
        b'ETag: W/"abc"\r\nVary: Cookie\r\nContent-Encoding: br\r\nVary: Accept-Encoding\r\n'
    )


def test_a_length_that_is_known_is_told() -> None:
    assert compressed_head(section(HTML), b"gzip", 17).wire.count(b"Content-Length: 17\r\n") == 1


@pytest.mark.parametrize("vary", [b"*", b"Accept-Encoding", b"cookie, accept-encoding"])
def test_vary_is_not_said_twice(vary: bytes) -> None:
    assert compressed_head(section((b"Vary", vary)), b"br", None).wire.count(b"Vary") == 1


@pytest.mark.parametrize(("tag", "after"), [(b'"a"', b'W/"a"'), (b'W/"a"', b'W/"a"'), (b"junk", b"junk")])
def test_not_modified_bears_the_tag_that_the_content_had(tag: bytes, after: bytes) -> None:
    assert not_modified_head(section((b"ETag", tag))).wire == b"ETag: " + after + b"\r\nVary: Accept-Encoding\r\n"


def test_there_are_so_many_places_and_no_more() -> None:
    places = Places(1)
    assert [places.take(), places.take()] == [True, False]
    places.give_back()
    assert places.take()
