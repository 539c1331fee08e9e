"""The index finds what looking at every route in turn would find."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openprequal.config.routes import RouteSettings
from openprequal.errors import ConfigurationError
from openprequal.http1.request import parse_request_head
from openprequal.route_table import route_table
from openprequal.routing.table import Entry

SEGMENTS = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(SEGMENTS | st.just(""), max_size=4).map(lambda parts: re.sub("/+", "/", "/" + "/".join(parts)))


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(SEGMENTS | st.just("{}"), min_size=1, max_size=3))
    named = [f"{{v{number}}}" if part == "{}" else part for number, part in enumerate(parts)]
    return "/" + "/".join([*named, *(["{more...}"] if draw(st.booleans()) else [])])


ROUTES = st.fixed_dictionaries(
    {},
    optional={
        "hosts": st.lists(st.sampled_from(["x.example", "*.example", "*.y.example", "x.example:81"]), max_size=2),
        "methods": st.sampled_from([["GET"], ["POST"], ["GET", "PUT"]]),
        "priority": st.integers(-1, 1),
    },
)
WITH_PATHS = st.one_of(
    st.just({}),
    PATHS.map(lambda path: {"path": path}),
    PATHS.map(lambda path: {"path_prefix": path}),
    patterns().map(lambda pattern: {"path_pattern": pattern}),
)


def takes(entry: Entry[RouteSettings], host: str, port: str, path: str, method: str) -> bool:
    """The conditions once more, one at a time and as plainly as they can be said."""
    if entry.host is not None:
        name = entry.host.name.decode()
        if entry.host.port and entry.host.port.decode() != port:
            return False
        if not (host.endswith("." + name) if entry.host.wildcard else host == name):
            return False
    route = entry.value
    if route.methods and method not in route.methods:
        return False
    if route.path is not None:
        return path == route.path
    if route.path_prefix is not None:
        return (path + "/").startswith(route.path_prefix.rstrip("/") + "/")
    if route.path_pattern is not None:
        expression = re.sub(r"\{v\d\}", "[^/]+", route.path_pattern).replace("{more...}", ".*")
        return re.fullmatch(expression, path) is not None
    return True


@given(
    st.lists(st.builds(lambda one, other: {**one, **other}, ROUTES, WITH_PATHS), max_size=8),
    st.sampled_from(["x.example", "y.example", "x.y.example", "z.x.y.example", "other"]),
    st.sampled_from(["", "80", "81"]),
    PATHS,
    st.sampled_from(["GET", "POST", "PUT"]),
)
def test_the_first_in_the_order_of_precedence_that_takes_it_is_found(
    routes: list[dict[str, Any]], host: str, port: str, path: str, method: str
) -> None:
    settings = [RouteSettings(name=f"r{number}", **route) for number, route in enumerate(routes)]
    try:
        table = route_table(settings, lambda route: route)
    except ConfigurationError:
        return  # two ask for the same
    authority = f"{host}:{port}" if port else host
    request = parse_request_head(f"{method} {path} HTTP/1.1\r\nHost: {authority}".encode(), "192.0.2.1")
    taking = [entry for entry in table.entries if takes(entry, host, port, path, method)]
    assert table.find(request, request.path) is (taking[0] if taking else None)
    of_this = [entry for entry in table.candidates(request, request.path) if not entry.unmet(request)]
    assert of_this == taking
