"""Which route does a request take? One table of routes, and what it says of every kind of request."""

from typing import Any

import pytest

from openprequal.config.routes import RouteSettings
from openprequal.errors import ConfigurationError
from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.route_table import route_table
from openprequal.routing.explanation import explain
from openprequal.routing.normal_path import normal_path
from openprequal.routing.table import RouteTable

A = {"hosts": ["a.example"]}

ROUTES: list[dict[str, Any]] = [
    {"name": "a", **A},
    {"name": "a-root", **A, "path": "/"},
    {"name": "exact", **A, "path": "/exact"},
    {"name": "slashed", **A, "path": "/slashed/"},
    {"name": "api", **A, "path_prefix": "/api"},
    {"name": "v1", **A, "path_prefix": "/api/v1/"},
    {"name": "v1-users", **A, "path": "/api/v1/users"},
    {"name": "user", **A, "path_pattern": "/users/{id}"},
    {"name": "me", **A, "path": "/users/me"},
    {"name": "posts", **A, "path_pattern": "/users/{id}/posts"},
    {"name": "post", **A, "path_pattern": "/users/{id}/posts/{post}"},
    {"name": "of-user", **A, "path_pattern": "/users/{id}/{more...}"},
    {"name": "my-posts", **A, "path_prefix": "/users/me/posts"},
    {"name": "files", **A, "path_pattern": "/files/{file...}"},
    {"name": "admin", **A, "path_prefix": "/admin"},
    {"name": "one-segment", **A, "path": "/data/a%2fb"},
    {"name": "café", **A, "path_prefix": "/café"},
    {"name": "items", **A, "path_prefix": "/items"},
    {"name": "items-write", **A, "path_prefix": "/items", "methods": ["POST", "PUT"]},
    {"name": "items-beta", **A, "path_prefix": "/items", "methods": ["POST"], "headers": {"X-Beta": "1"}},
    {"name": "flag", **A, "path": "/flag", "headers": {"X-Flag": True}},
    {"name": "flag-on", **A, "path": "/flag", "headers": {"x-flag": "on", "X-Else": False}},
    {"name": "query", **A, "path": "/query", "query": {"v": "2"}},
    {"name": "query-euro", **A, "path": "/query", "query": {"v": "€"}},
    {"name": "query-any", **A, "path": "/query", "query": {"v": True, "w": False}},
    {"name": "same-1", **A, "path": "/same", "methods": ["GET", "POST"]},
    {"name": "same-2", **A, "path": "/same", "methods": ["GET", "PUT"]},
    {"name": "urgent", "path_prefix": "/urgent", "priority": 1},
    {"name": "more-urgent", "path_prefix": "/", "headers": {"X-Now": "yes"}, "priority": 2},
    {"name": "late", **A, "path": "/late", "priority": -1},
    {"name": "below", "hosts": ["*.b.example"]},
    {"name": "deep-below", "hosts": ["*.c.b.example"]},
    {"name": "named-below", "hosts": ["x.b.example", "x.c.b.example"]},
    {"name": "below-api", "hosts": ["*.b.example"], "path_prefix": "/api"},
    {"name": "port", "hosts": ["p.example:8443"]},
    {"name": "no-port", "hosts": ["p.example"]},
    {"name": "below-port", "hosts": ["*.p.example:8443"]},
    {"name": "six", "hosts": ["[2001:db8::1]"]},
    {"name": "four", "hosts": ["192.0.2.1"]},
    {"name": "books", "hosts": ["bücher.example"]},
    {"name": "dotted", "hosts": ["Dotted.Example."]},
    {"name": "two-hosts", "hosts": ["m.example", "n.example"], "path_prefix": "/two"},
    {"name": "anywhere", "path": "/anywhere"},
    {"name": "slash-anywhere", "path_prefix": "/any"},
]
for _route in ROUTES:
    _route["name"] = _route["name"].replace("é", "e")

# (request line without its version, Host or None, more fields, the route)
CASES: list[tuple[str, str | None, str | None]] = [
    # exact paths
    ("GET /", "a.example", "a-root"),
    ("GET /?q", "a.example", "a-root"),
    ("GET /exact", "a.example", "exact"),
    ("GET /exact?x=/exact/y", "a.example", "exact"),
    ("GET /exact/", "a.example", "a"),
    ("GET /exact/x", "a.example", "a"),
    ("GET /exactly", "a.example", "a"),
    ("GET /Exact", "a.example", "a"),
    ("GET /slashed/", "a.example", "slashed"),
    ("GET /slashed", "a.example", "a"),
    ("GET /slashed/x", "a.example", "a"),
    # prefixes, by whole segments
    ("GET /api", "a.example", "api"),
    ("GET /api/", "a.example", "api"),
    ("GET /api/x/y/z/a/b/c/d/e/f/g", "a.example", "api"),
    ("GET /apix", "a.example", "a"),
    ("GET /ap", "a.example", "a"),
    ("GET /API", "a.example", "a"),
    ("GET /x/api", "a.example", "a"),
    ("GET /api?v1", "a.example", "api"),
    ("GET /api/v1", "a.example", "v1"),
    ("GET /api/v1/", "a.example", "v1"),
    ("GET /api/v1/x", "a.example", "v1"),
    ("GET /api/v10", "a.example", "api"),
    ("GET /api/v1/users", "a.example", "v1-users"),
    ("GET /api/v1/users/", "a.example", "v1"),
    ("GET /api/v1/users/7", "a.example", "v1"),
    # variables
    ("GET /users/7", "a.example", "user"),
    ("GET /users/me", "a.example", "me"),
    ("GET /users/mee", "a.example", "user"),
    ("GET /users/", "a.example", "a"),
    ("GET /users", "a.example", "a"),
    ("GET /users/7/", "a.example", "of-user"),
    ("GET /users/7/posts", "a.example", "posts"),
    ("GET /users/7/posts/", "a.example", "of-user"),
    ("GET /users/7/posts/8", "a.example", "post"),
    ("GET /users/7/posts/8/9", "a.example", "of-user"),
    ("GET /users/me/posts", "a.example", "my-posts"),
    ("GET /users/me/posts/8", "a.example", "my-posts"),
    ("GET /users/me/else", "a.example", "of-user"),
    ("GET /users//posts", "a.example", "user"),
    ("GET /users/a%2Fb/posts", "a.example", "posts"),
    ("GET /files", "a.example", "a"),
    ("GET /files/", "a.example", "files"),
    ("GET /files/x", "a.example", "files"),
    ("GET /files/x/y", "a.example", "files"),
    # spellings of one path
    ("GET /%61dmin", "a.example", "admin"),
    ("GET /%41dmin", "a.example", "a"),
    ("GET /x/../admin", "a.example", "admin"),
    ("GET /x/%2e%2E/admin", "a.example", "admin"),
    ("GET /api/../admin/x", "a.example", "admin"),
    ("GET /../../admin", "a.example", "admin"),
    ("GET /./admin", "a.example", "admin"),
    ("GET /admin/.", "a.example", "admin"),
    ("GET /admin/..", "a.example", "a-root"),
    ("GET /admin/../x", "a.example", "a"),
    ("GET //admin", "a.example", "admin"),
    ("GET ///admin//x", "a.example", "admin"),
    ("GET /x//../admin", "a.example", "a"),
    ("GET /admin%2Fx", "a.example", "a"),
    ("GET /x%2Fadmin", "a.example", "a"),
    ("GET /data/a%2fb", "a.example", "one-segment"),
    ("GET /data/a%2Fb", "a.example", "one-segment"),
    ("GET /data/a/b", "a.example", "a"),
    ("GET /data/a%252Fb", "a.example", "a"),
    ("GET /%2561dmin", "a.example", "a"),
    ("GET /admin;x=1", "a.example", "a"),
    ("GET /admin;x=1/y", "a.example", "a"),
    ("GET /admin/x;y", "a.example", "admin"),
    ("GET /admin%00", "a.example", "a"),
    ("GET /admin%zz", "a.example", "a"),
    ("GET /admin%", "a.example", "a"),
    ("GET /...", "a.example", "a"),
    ("GET /.admin", "a.example", "a"),
    ("GET /caf%C3%A9", "a.example", "cafe"),
    ("GET /caf%c3%a9/x", "a.example", "cafe"),
    ("GET /café", "a.example", "cafe"),
    # what hides a dot segment names no path
    ("GET /x%2f../admin", "a.example", "400"),
    ("GET /x/..%2fadmin", "a.example", "400"),
    ("GET /x%2F%2e%2e%2Fadmin", "a.example", "400"),
    ("GET /x/..;/admin", "a.example", "400"),
    ("GET /x\\..\\admin", "a.example", "400"),
    ("GET /x/..%5Cadmin", "a.example", "400"),
    # methods; the more conditions go before
    ("GET /items", "a.example", "items"),
    ("HEAD /items", "a.example", "items"),
    ("POST /items", "a.example", "items-write"),
    ("PUT /items/1", "a.example", "items-write"),
    ("post /items", "a.example", "items"),
    ("GET /same", "a.example", "same-1"),
    ("POST /same", "a.example", "same-1"),
    ("PUT /same", "a.example", "same-2"),
    ("DELETE /same", "a.example", "a"),
    # the query
    ("GET /query?v=2", "a.example", "query-any"),
    ("GET /query?v=2&w", "a.example", "query"),
    ("GET /query?v=1&v=2&w=", "a.example", "query"),
    ("GET /query?%76=%32&w=1", "a.example", "query"),
    ("GET /query?v", "a.example", "query-any"),
    ("GET /query?v=1&w=1", "a.example", "a"),
    ("GET /query", "a.example", "a"),
    ("GET /query?é=é&v=2&w=%ff", "a.example", "query"),
    ("GET /query?v=%E2%82%AC&w=1", "a.example", "query-euro"),
    ("GET /query?v=€&w=1", "a.example", "query-euro"),
    # priority
    ("GET /urgent", "a.example", "urgent"),
    ("GET /urgent/x", "x.b.example", "urgent"),
    ("GET /late", "a.example", "a"),
    # hosts
    ("GET /x", "A.EXAMPLE", "a"),
    ("GET /x", "a.example.", "a"),
    ("GET /x", "a.example:8000", "a"),
    ("GET /x", "a.example:", "a"),
    ("GET /x", "a.example.:80", "a"),
    ("GET /x", "b.a.example", None),
    ("GET /x", "aa.example", None),
    ("GET /x", "b.example", None),
    ("GET /x", "y.b.example", "below"),
    ("GET /x", "y.z.b.example", "below"),
    ("GET /x", "Y.B.Example.:81", "below"),
    ("GET /x", "yb.example", None),
    ("GET /x", ".b.example", "below"),
    ("GET /x", "x.b.example", "named-below"),
    ("GET /x", "x.c.b.example", "named-below"),
    ("GET /x", "y.c.b.example", "deep-below"),
    ("GET /x", "c.b.example", "below"),
    ("GET /api", "y.b.example", "below-api"),
    ("GET /api", "y.c.b.example", "deep-below"),
    ("GET /x", "p.example:8443", "port"),
    ("GET /x", "p.example:8444", "no-port"),
    ("GET /x", "p.example", "no-port"),
    ("GET /x", "p.example.:8443", "port"),
    ("GET /x", "q.p.example:8443", "below-port"),
    ("GET /x", "q.p.example", None),
    ("GET /x", "[2001:db8::1]", "six"),
    ("GET /x", "[2001:DB8:0:0::1]:8000", "six"),
    ("GET /x", "[2001:db8::2]", None),
    ("GET /x", "192.0.2.1:80", "four"),
    ("GET /x", "xn--bcher-kva.example", "books"),
    ("GET /x", "XN--Bcher-KVA.example:80", "books"),
    ("GET /x", "dotted.example", "dotted"),
    ("GET /two", "m.example", "two-hosts"),
    ("GET /two", "n.example", "two-hosts"),
    ("GET /two", "o.example", None),
    ("GET /x", "%61.example", None),
    ("GET /anywhere", "o.example", "anywhere"),
    ("GET /anywhere", None, "anywhere"),
    ("GET /any/x", None, "slash-anywhere"),
    ("GET /x", None, None),
    # a more exact host goes before a more exact path
    ("GET /anywhere", "a.example", "a"),
    ("GET /anywhere", "y.b.example", "below"),
    # other forms of the target
    ("GET http://a.example/exact", "o.example", "exact"),
    ("GET HTTP://A.Example:80/api?x", "o.example", "api"),
    ("GET http://a.example", "o.example", "a-root"),
    ("GET http://o.example/exact", "a.example", None),
    ("OPTIONS *", "a.example", "a"),
    ("OPTIONS *", "o.example", None),
    ("OPTIONS http://a.example", "o.example", "a"),
    ("OPTIONS /exact", "a.example", "exact"),
]

WITH_FIELDS: list[tuple[str, list[str], str]] = [
    ("POST /items", ["X-Beta: 1"], "items-beta"),
    ("POST /items", ["x-beta:1"], "items-beta"),
    ("POST /items", ["X-Beta: 2"], "items-write"),
    ("POST /items", ["X-Beta: 2", "X-Beta: 1"], "items-beta"),
    ("PUT /items", ["X-Beta: 1"], "items-write"),
    ("GET /flag", [], "a"),
    ("GET /flag", ["X-Flag: off"], "flag"),
    ("GET /flag", ["X-Flag:"], "flag"),
    ("GET /flag", ["X-FLAG: on"], "flag-on"),
    ("GET /flag", ["X-FLAG: ON"], "flag"),
    ("GET /flag", ["X-Flag: on", "X-Else: 1"], "flag"),
    ("GET /exact", ["X-Now: yes"], "more-urgent"),
    ("GET /urgent", ["X-Now: yes"], "more-urgent"),
    ("OPTIONS *", ["X-Now: yes"], "a"),
]


def table_of(*routes: dict[str, Any]) -> RouteTable[str]:
    return route_table([RouteSettings(**route) for route in routes], lambda route: route.name)


def request_of(line: str, host: str | None, fields: list[str]) -> RequestHead:
    minor = 0 if host is None else 1
    lines = [f"{line} HTTP/1.{minor}", *([] if host is None else [f"Host: {host}"]), *fields]
    return parse_request_head("\r\n".join(lines).encode(), "192.0.2.9")


def taken(table: RouteTable[str], request: RequestHead) -> str | None:
    path = normal_path(request.path)
    if path is None:
        return "400"
    entry = table.find(request, path)
    return None if entry is None else entry.value


TABLE = table_of(*ROUTES)


@pytest.mark.parametrize(("line", "host", "expected"), CASES)
def test_a_request_takes_its_route(line: str, host: str | None, expected: str | None) -> None:
    assert taken(TABLE, request_of(line, host, [])) == expected


@pytest.mark.parametrize(("line", "fields", "expected"), WITH_FIELDS)
def test_fields_count_as_conditions(line: str, fields: list[str], expected: str) -> None:
    assert taken(TABLE, request_of(line, "a.example", fields)) == expected


def test_the_order_in_the_file_decides_between_equals_only() -> None:
    first = {"name": "first", "path_prefix": "/x", "methods": ["GET", "PUT"]}
    second = {"name": "second", "path_prefix": "/x", "methods": ["GET", "POST"]}
    exact = {"name": "exact", "path_prefix": "/x/y"}
    request = request_of("GET /x", "a", [])
    assert taken(table_of(first, second, exact), request) == "first"
    assert taken(table_of(exact, second, first), request) == "second"
    assert taken(table_of(first, second, exact), request_of("GET /x/y", "a", [])) == "exact"


def test_what_was_remembered_of_hosts_is_bounded() -> None:
    table = table_of({"name": "one", "hosts": ["*.example"]})
    for number in range(3000):
        assert taken(table, request_of("GET /", f"h{number}.example", [])) == "one"
    assert len(table._known_hosts) <= 1024
    assert taken(table, request_of("GET /", "a." * 5000 + "example", [])) is None


@pytest.mark.parametrize(
    ("route", "complaint"),
    [
        ({"path": "x"}, "routes.r.path: 'x'"),
        ({"path_prefix": "api"}, "routes.r.path_prefix: 'api'"),
        ({"path_prefix": "/a?b"}, "routes.r.path_prefix"),
        ({"path_prefix": "/a/../b"}, "must have no dot segments"),
        ({"path_prefix": "/a//b"}, "must have single slashes"),
        ({"path": "/a%2f../b"}, "must have no dot segments"),
        ({"path_pattern": "/a{b}"}, "must be a whole segment"),
        ({"path_pattern": "/{a}/{a}"}, "is there twice"),
        ({"path_pattern": "/{a...}/b"}, "must be the last segment"),
        ({"path_pattern": "/{rest}"}, "stands for something else"),
        ({"hosts": ["a b"]}, "routes.r.hosts: 'a b'"),
        ({"hosts": ["a.*.example"]}, "routes.r.hosts"),
        ({"hosts": ["*"]}, "routes.r.hosts"),
        ({"hosts": ["a.example:"]}, "routes.r.hosts"),
        ({"hosts": ["a.example:99999"]}, "routes.r.hosts"),
        ({"hosts": ["[::x]"]}, "routes.r.hosts"),
        ({"hosts": ["http://a.example"]}, "routes.r.hosts"),
        ({"hosts": ["x" * 300]}, "routes.r.hosts"),
        ({"methods": ["G ET"]}, "routes.r.methods: 'G ET'"),
        ({"headers": {"Host": "a"}}, "is what hosts are for"),
    ],
)
def test_what_no_request_can_have_is_an_error(route: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        table_of({"name": "r", **route})
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    "second",
    [
        {"hosts": ["b.example", "A.example."], "path_prefix": "/x/"},
        {"hosts": ["a.example"], "path_prefix": "/%78"},
    ],
)
def test_two_routes_that_ask_for_the_same_are_an_error_that_names_both(second: dict[str, Any]) -> None:
    first = {"name": "first", "hosts": ["a.example"], "path_prefix": "/x"}
    with pytest.raises(ConfigurationError, match=r"routes\.second: asks for a\.example for exactly what routes\.first"):
        table_of(first, {"name": "second", **second})


def test_variables_of_other_names_tell_no_routes_apart() -> None:
    with pytest.raises(ConfigurationError, match="would never be taken"):
        table_of({"name": "first", "path_pattern": "/{a}"}, {"name": "second", "path_pattern": "/{b}"})


@pytest.mark.parametrize(
    ("line", "fields", "reasons"),
    [
        ("GET /items", [], {"items-write": "asks for method POST or PUT", "a": "more exact path"}),
        ("POST /items", ["X-Beta: 1"], {"items": "more conditions", "items-write": "more conditions"}),
        ("GET /same", [], {"same-2": "first in the file"}),
        ("GET /urgent", [], {"a": "higher priority", "more-urgent": "asks for header x-now: yes"}),
        ("GET /flag", [], {"flag-on": "asks for header x-flag: on", "flag": "asks for header x-flag present"}),
    ],
)
def test_it_is_explained_why_others_were_not_taken(line: str, fields: list[str], reasons: dict[str, str]) -> None:
    request = request_of(line, "a.example", fields)
    found = explain(TABLE, request, request.path)
    assert found.taken is not None
    told = {entry.name: why for entry, why in found.others}
    assert found.taken.name not in told
    assert {name: text for name, text in reasons.items() if text in told[name]} == reasons
