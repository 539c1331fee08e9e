"""Whatever a client asks for, what a route makes of it can be sent, and leads nowhere else."""

import re

from hypothesis import given
from hypothesis import strategies as st

from openprequal.forwarding.path_change import as_it_is, location, rewritten, without_prefix
from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.routing.normal_path import normal_path
from openprequal.routing.path_pattern import path_prefix, path_template

OCTETS = st.sampled_from([bytes((octet,)) for octet in range(0x21, 0x100) if octet not in b"#\x7f"])
PIECES = st.sampled_from(
    [b"/", b"..", b"//", b"\\", b"%2f", b"%5C", b"%0d%0a", b"evil.example", b"@", b":", b"?", b"\xe9"]
)
RESTS = st.lists(OCTETS | PIECES, max_size=10).map(b"".join)


def asked(target: bytes) -> RequestHead:
    return parse_request_head(b"GET " + target + b" HTTP/1.1\r\nHost: a.example:80", "192.0.2.1")


@given(RESTS)
def test_a_redirect_stays_where_it_was_to_lead_and_is_one_line(rest: bytes) -> None:
    request = asked(b"/old" + rest)
    here = location("{path}{query}", None, "r")(request)
    assert here is not None
    assert re.fullmatch(rb"/(?![/\\])[!#-;=?-\[\]_a-z~]*", here)
    there = location("https://{host}{path}", None, "r")(request)
    assert there is not None
    assert re.fullmatch(rb"https://a\.example/[!#-;=?-\[\]_a-z~]*", there)


@given(RESTS)
def test_a_backend_is_asked_for_a_normal_path_whatever_is_stripped_or_rewritten(rest: bytes) -> None:
    request = asked(b"/old/" + rest)
    normal = normal_path(request.path)
    if normal is None or not re.match(rb"/+old(/|\Z)", normal):
        return  # refused, or another route's
    prefix = path_prefix("/old", "r")
    for change in (as_it_is, without_prefix(prefix), rewritten("/new{rest}", prefix, "r")):
        target = change(request)
        path, mark, query = target.partition(b"?")
        assert path.startswith(b"/")
        assert normal_path(path) == path
        assert mark + query == request.target[len(request.path) :]


def test_variables_stand_for_what_was_in_their_place() -> None:
    pattern = path_template("/a/{x}/{y...}", "r")
    assert rewritten("/{y}/{x}", pattern, "r")(asked(b"/a//1/2/3?q")) == b"/2/3/1?q"
    assert rewritten("/{x}{path}", pattern, "r")(asked(b"/a/1/")) == b"/1/a/1/"


def test_the_asterisk_of_options_is_sent_as_it_is() -> None:
    request = parse_request_head(b"OPTIONS * HTTP/1.1\r\nHost: a", "192.0.2.1")
    assert as_it_is(request) == b"*"
    assert rewritten("/x", None, "r")(request) == b"*"
