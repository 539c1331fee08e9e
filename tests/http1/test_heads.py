"""Heads of requests and responses: what they mean, and which are refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.http1.errors import MalformedMessage, UnknownTransferCoding, UnsupportedVersion
from openprequal.http1.fields import Field
from openprequal.http1.framing import CHUNKED
from openprequal.http1.head_block import find_head_end
from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.http1.response import parse_response_head


def request(line: bytes, *fields: bytes, host: bytes | None = b"Host: a") -> RequestHead:
    return parse_request_head(b"\r\n".join([line, *([host] if host else []), *fields]), "192.0.2.1")


# ---- where a head ends ----------------------------------------------------------------------------------------------


def test_a_head_ends_with_an_empty_line() -> None:
    assert find_head_end(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest") == 23


@pytest.mark.parametrize("data", [b"", b"G", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\r\nHost: a\r\n\r"])
def test_a_head_still_coming_is_waited_for(data: bytes) -> None:
    assert find_head_end(data) == -1


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\n", b"GET\rX", b"\x16\x03\x01", b" GET", b"\x00", b"\xffabc"])
def test_what_cannot_become_a_head_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        find_head_end(data)


# ---- requests -------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a"])).map(b"".join))
def test_a_bare_cr_or_lf_is_refused_unless_the_cr_may_still_get_its_lf(rest: bytes) -> None:
    data = b"GET / HTTP/1.1" + rest
    if b"\r\n\r\n" in data:
        return
    bare = re.search(rb"(?<!\r)\n|\r(?!\n|\Z)", data)
    if bare is None:
        assert find_head_end(data) == -1
    else:
        with pytest.raises(MalformedMessage, match="bare CR or LF"):
            find_head_end(data)


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"get / HTTP/1.1",
        b"MADE-UP! /x HTTP/1.1",
        b"GET //a/../b;c?d?e HTTP/1.1",
        b"GET /%2F%00? HTTP/1.0",
        b"GET /\xc3\xa9 HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
    ],
)
def test_method_and_target_are_taken_byte_for_byte(line: bytes) -> None:
    head = request(line)
    method, target, version = line.split(b" ")
    assert (head.method, head.target, head.minor) == (method, target, version[-1] - 48)
    assert head.path == target.partition(b"?")[0]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET",
        b"GET /",
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b"GET / http/1.1",
        b"GET / HTTP/1,1",
        b"GET / HTTP/11",
        b"GET / HTTP/1.10",
        b"GET / HTTPS/1.1",
        b"G(T / HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET /\x7f HTTP/1.1",
        b"GET /#f HTTP/1.1",
        b"GET a HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET ftp://a/ HTTP/1.1",
        b"GET http:///x HTTP/1.1",
        b"GET http://u@a/ HTTP/1.1",
        b"GET http://a/#f HTTP/1.1",
    ],
)
def test_a_bad_request_line_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedMessage) as refused:
        request(line)
    assert not isinstance(refused.value, UnsupportedVersion)


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/9.9"])
def test_another_version_is_told_apart(version: bytes) -> None:
    with pytest.raises(UnsupportedVersion):
        request(b"GET / " + version)


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        (b"http://b.test/x?y", b"b.test", b"/x?y"),
        (b"HTTP://b.test:80", b"b.test:80", b"/"),
        (b"http://b.test?q", b"b.test", b"/?q"),
        (b"https://[::1]:8/", b"[::1]:8", b"/"),
    ],
)
def test_the_absolute_form_names_the_host(target: bytes, host: bytes, path: bytes) -> None:
    head = request(b"GET " + target + b" HTTP/1.1")
    assert (head.host, head.target) == (host, path)


def test_options_in_absolute_form_without_a_path_asks_for_the_server() -> None:
    assert request(b"OPTIONS http://b.test HTTP/1.1").target == b"*"


@pytest.mark.parametrize("host", [b"a", b"a:80", b"a:", b"192.0.2.1", b"[::1]", b"[::1]:80", b"a_b.test", b"%41"])
def test_a_good_host(host: bytes) -> None:
    assert request(b"GET / HTTP/1.1", host=b"Host: " + host).host == host


@pytest.mark.parametrize(
    "host", [b"a b", b"u@a", b"a/b", b"a:b", b"a:123456", b"[::1", b"a\\b", b'"a"', b"a#", b"[:1]", b"[1.2]", b"[1:2"]
)
def test_a_bad_host_is_refused(host: bytes) -> None:
    with pytest.raises(MalformedMessage):
        request(b"GET / HTTP/1.1", host=b"Host: " + host)


def test_two_hosts_are_refused() -> None:
    with pytest.raises(MalformedMessage):
        request(b"GET / HTTP/1.1", b"host: a")


def test_no_host_is_refused_in_http_1_1_only() -> None:
    assert request(b"GET / HTTP/1.0", host=None).host is None
    with pytest.raises(MalformedMessage):
        request(b"GET / HTTP/1.1", host=None)


@pytest.mark.parametrize(
    ("line", "connection", "stays"),
    [
        (b"GET / HTTP/1.1", None, True),
        (b"GET / HTTP/1.1", b"close", False),
        (b"GET / HTTP/1.1", b"x, CLOSE", False),
        (b"GET / HTTP/1.1", b"keep-alive, close", False),
        (b"GET / HTTP/1.0", None, False),
        (b"GET / HTTP/1.0", b"Keep-Alive", True),
        (b"GET / HTTP/1.0", b"keep-alive, close", False),
    ],
)
def test_whether_the_connection_stays(line: bytes, connection: bytes | None, stays: bool) -> None:
    fields = [b"Connection: " + connection] if connection else []
    assert request(line, *fields).keep_alive is stays


def test_framing_is_decided_with_the_head() -> None:
    assert request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked").length == CHUNKED
    with pytest.raises(UnknownTransferCoding):
        request(b"POST / HTTP/1.1", b"Transfer-Encoding: gzip, chunked")
    with pytest.raises(MalformedMessage):
        request(b"POST / HTTP/1.1", b"Content-Length: 1", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("line", "fields", "upgrade"),
    [
        (b"GET / HTTP/1.1", [b"Connection: Upgrade", b"Upgrade: websocket"], b"websocket"),
        (b"GET / HTTP/1.1", [b"Upgrade: websocket"], b""),
        (b"GET / HTTP/1.1", [b"Connection: upgrade"], b""),
        (b"GET / HTTP/1.0", [b"Connection: upgrade", b"Upgrade: websocket"], b""),
    ],
)
def test_an_upgrade_is_asked_for_by_both_fields_in_http_1_1(line: bytes, fields: list[bytes], upgrade: bytes) -> None:
    assert request(line, *fields).upgrade == upgrade


@pytest.mark.parametrize("value", [b"-1", b"x", b"1, 2", b"", b"1" * 10])
def test_a_bad_max_forwards_is_refused_where_it_counts(value: bytes) -> None:
    with pytest.raises(MalformedMessage):
        request(b"TRACE / HTTP/1.1", b"Max-Forwards: " + value)
    assert request(b"GET / HTTP/1.1", b"Max-Forwards: " + value).max_forwards is None


def test_a_changed_request_keeps_the_authority_it_asked_for() -> None:
    head = request(b"GET http://b.test/x HTTP/1.1")
    assert head.changed(b"/y", head.head_fields).host == b"b.test"


def test_a_changed_host_is_taken() -> None:
    head = request(b"GET http://b.test/x HTTP/1.1")
    assert head.changed(b"/x", [Field(b"Host", b"c.test")]).host == b"c.test"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_request_or_refused(block: bytes) -> None:
    try:
        head = parse_request_head(block, "192.0.2.1")
    except MalformedMessage:
        return
    assert not set(b" \r\n\x00") & set(head.target)


# ---- responses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"HTTP/1.1 200 OK", 200, b"OK"),
        (b"HTTP/1.0 404 Not \xe9 found", 404, b"Not \xe9 found"),
        (b"HTTP/1.1 200 ", 200, b""),
        (b"HTTP/1.1 200", 200, b""),
        (b"HTTP/1.1 999 x", 999, b"x"),
    ],
)
def test_a_status_line(line: bytes, status: int, reason: bytes) -> None:
    head = parse_response_head(line, b"GET")
    assert (head.status, head.reason) == (status, reason)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.2 200 OK",
        b"http/1.1 200 OK",
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 +20 OK",
    ],
)
def test_a_bad_status_line_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_response_head(line, b"GET")


def test_a_changed_status_brings_its_phrase() -> None:
    head = parse_response_head(b"HTTP/1.1 200 Fine", b"GET")
    assert head.changed(200, []).reason == b"Fine"
    assert head.changed(404, []).reason == b"Not Found"
    assert head.changed(299, []).reason == b""
