"""Which requests do the routes in the settings mean, and what do they make of each?

Here alone that is worked out: for the gateway, and for whoever asks where a request would go.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from openprequal.config.routes import Redirect, Respond, RouteSettings
from openprequal.errors import BadRequest, ConfigurationError, GatewayError
from openprequal.forwarding.fixed_exchange import Answer
from openprequal.forwarding.path_change import Target, as_it_is, location, rewritten, without_prefix
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.routing.conditions import Condition, Conditions, HeaderIs, MethodIs, QueryIs, Wanted
from openprequal.routing.host_pattern import host_pattern
from openprequal.routing.path_pattern import PathPattern, exact_path, path_prefix, path_template
from openprequal.routing.table import RouteTable

T = TypeVar("T")


def route_table(routes: Iterable[RouteSettings], value_of: Callable[[RouteSettings], T]) -> RouteTable[T]:
    """The table of *routes*.

    :param value_of: what is to be found for a route.
    :raises ConfigurationError: a condition that cannot be met, or two routes that cannot be told apart.
    """
    return RouteTable((route.name, conditions_of(route), value_of(route)) for route in routes)


def conditions_of(route: RouteSettings) -> Conditions:
    """What *route* asks of a request.

    :raises ConfigurationError: a host or path that no request can have.
    """
    others: list[Condition] = []
    if route.methods:
        others.append(MethodIs(frozenset(_token(method, f"routes.{route.name}.methods") for method in route.methods)))
    for name, wanted in route.headers.items():
        if name.lower() == "host":
            raise ConfigurationError(f"routes.{route.name}.headers.{name}: is what hosts are for")
        others.append(HeaderIs(name.lower().encode("ascii"), _wanted(wanted)))
    others += [QueryIs(name.encode(), _wanted(wanted)) for name, wanted in route.query.items()]
    return Conditions(
        hosts=tuple(host_pattern(host, f"routes.{route.name}.hosts") for host in route.hosts),
        path=pattern_of(route),
        others=tuple(others),
        priority=route.priority,
    )


def pattern_of(route: RouteSettings) -> PathPattern | None:
    """The paths it takes; None: any.

    :raises ConfigurationError: no request can have such a path.
    """
    where = f"routes.{route.name}"
    if route.path is not None:
        return exact_path(route.path, f"{where}.path")
    if route.path_prefix is not None:
        return path_prefix(route.path_prefix, f"{where}.path_prefix")
    if route.path_pattern is not None:
        return path_template(route.path_pattern, f"{where}.path_pattern")
    return None


def target_of(route: RouteSettings) -> Target:
    """The target that its service is asked for.

    :raises ConfigurationError: ``rewrite`` cannot be used.
    """
    pattern = pattern_of(route)
    if route.rewrite is not None:
        return rewritten(route.rewrite, pattern, f"routes.{route.name}.rewrite")
    return without_prefix(pattern) if route.strip_prefix and pattern is not None else as_it_is


def route_rows(routes: Iterable[RouteSettings]) -> list[dict[str, object]]:
    """What ``GET /_openprequal/routes`` shows: a row for each route under each of its hosts, first what goes before."""
    return [
        {
            "route": entry.name,
            "host": None if entry.host is None else str(entry.host),
            "path": None if entry.conditions.path is None else str(entry.conditions.path),
            "conditions": [str(each) for each in entry.others],
            "priority": entry.value.priority,
            **_led_to(entry.value),
        }
        for entry in route_table(routes, lambda route: route).entries
    ]


def _led_to(route: RouteSettings) -> dict[str, object]:
    if route.redirect is not None:
        return {"redirect": route.redirect.to, "status": route.redirect.status}
    if route.respond is not None:
        return {"status": route.respond.status}
    return {"services": route.weights, "mirror": route.mirror and route.mirror.service}


def fixed_answer(route: RouteSettings) -> Callable[[RequestHead], Answer | GatewayError] | None:
    """What *route* answers by itself; None: a service does.

    :raises ConfigurationError: it cannot be sent.
    """
    if route.redirect is not None:
        return _redirect(route, route.redirect)
    return None if route.respond is None else _response(f"routes.{route.name}", route.respond)


def _redirect(route: RouteSettings, redirect: Redirect) -> Callable[[RequestHead], Answer | GatewayError]:
    url = location(redirect.to, pattern_of(route), f"routes.{route.name}.redirect.to")
    no_host = BadRequest("a redirect to a host that the request does not name")

    def answer(request: RequestHead) -> Answer | GatewayError:
        to = url(request)
        return no_host if to is None else Answer(redirect.status, (Field(b"Location", to),))

    return answer


def _response(where: str, respond: Respond) -> Callable[[RequestHead], Answer]:
    content_type = respond.content_type
    if not (content_type.isascii() and content_type.isprintable() and content_type):
        raise ConfigurationError(f"{where}.respond.content_type: {content_type!r} is no media type")
    content = respond.body.encode()
    fields = (Field(b"Content-Type", content_type.encode("ascii")),) if content else ()
    answer = Answer(respond.status, fields, content)
    return lambda request: answer


def _wanted(value: str | bool) -> Wanted:
    return value if isinstance(value, bool) else value.encode()


def _token(method: str, where: str) -> bytes:
    if not method.isascii() or not method.replace("-", "").isalnum():
        raise ConfigurationError(f"{where}: {method!r} is no method")
    return method.encode("ascii")
