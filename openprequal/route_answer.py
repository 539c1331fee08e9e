"""What becomes of a request, by the routes in the settings? Asked by ``openprequal route`` and of a running gateway."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from openprequal.config.gateway import GatewaySettings
from openprequal.config.routes import RouteSettings
from openprequal.errors import ConfigurationError, NoRoute
from openprequal.filter_making import FilterRules
from openprequal.forwarding.fixed_exchange import Answer
from openprequal.frontend.local_answers import is_answered_here
from openprequal.frontend.reserved import is_reserved
from openprequal.http1.errors import MalformedMessage
from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.route_table import fixed_answer, route_table, target_of
from openprequal.routing.explanation import Explanation, explain
from openprequal.routing.normal_path import normal_path


def request_of(method: str, url: str, headers: Sequence[str], client: str = "127.0.0.1") -> RequestHead:
    """The request that is asked about.

    :param headers: like ``Name: value``.
    :param client: address of who would send it.
    :raises ConfigurationError: no client could send it.
    """
    parts = urlsplit(url if "//" in url else f"//{url}")
    if not parts.netloc or "@" in parts.netloc:
        raise ConfigurationError(f"{url}: must be a URL like https://a.example/x")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = [header.partition(":") for header in headers]
    lines = [f"{method} {target} HTTP/1.1"]
    if not any(name.strip().lower() == "host" for name, _, _ in fields):
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
        lines.append(f"Host: {host}")
    lines += [f"{name.strip()}: {value.strip()}" for name, _, value in fields]
    try:
        return parse_request_head("\r\n".join(lines).encode(), client)
    except MalformedMessage as error:
        raise ConfigurationError(f"{method} {url}: {error}") from None


def answer_for(settings: GatewaySettings, request: RequestHead) -> dict[str, Any]:
    """What becomes of *request*, as JSON has it.

    :raises ConfigurationError: the routes cannot be used.
    """
    if is_answered_here(request):
        return {"answered_by": "the gateway", "why": f"{request.method.decode()} goes to no backend"}
    if not settings.admin_endpoints and is_reserved(request.path):
        return {
            "answered_by": "the gateway",
            "why": f"{request.path.decode()} is its own, unless there is an admin_port or admin_listen",
        }
    if not settings.routes:
        alone = {"why": "there are no routes: everything goes to one service", "services": {"default": 1.0}}
        return _PREFLIGHT if _is_preflight(settings, None, request) else alone | _before(settings, None)
    table = route_table(settings.routes, lambda route: route)
    path = normal_path(request.path)
    if path is None:
        return {"status": 400, "why": "the path hides a dot segment, which servers read differently"}
    found = explain(table, request, path)
    not_taken = [{"route": entry.name, "why": why} for entry, why in found.others]
    if found.taken is None:
        return {"status": NoRoute.status, "why": "no route takes it", "not_taken": not_taken}
    if _is_preflight(settings, found.taken.value, request):
        return _PREFLIGHT
    return _taken(found, request) | _before(settings, found.taken.value) | {"not_taken": not_taken}


_PREFLIGHT: Final = {"answered_by": "the gateway", "why": "it is the preflight of a page of another origin"}


def _is_preflight(settings: GatewaySettings, route: RouteSettings | None, request: RequestHead) -> bool:
    rules = FilterRules(settings).cors(route)
    return rules is not None and rules.is_preflight(request)


def _before(settings: GatewaySettings, route: RouteSettings | None) -> dict[str, Any]:
    """What stands before the services of *route*; None: there are no routes."""
    limits = [limit.effective_name for limit in settings.effective_rate_limits]
    limits += [f"{route.name}/{limit.effective_name}" for limit in route.rate_limits] if route else []
    checks = list(settings.checks_of(route))
    return ({"rate_limits": limits} if limits else {}) | ({"checks": checks} if checks else {})


def _taken(found: Explanation[RouteSettings], request: RequestHead) -> dict[str, Any]:
    assert found.taken is not None
    entry, route = found.taken, found.taken.value
    because = [
        f"host {entry.host}" if entry.host is not None else "any host",
        f"path {entry.conditions.path}" if entry.conditions.path is not None else "any path",
        *(str(each) for each in entry.others),
    ]
    if route.priority:
        because.append(f"priority {route.priority}")
    answer: dict[str, Any] = {"route": route.name, "because": because}
    fixed = fixed_answer(route)
    if fixed is not None:
        response = fixed(request)
        answer["status"] = response.status
        if isinstance(response, Answer):
            answer |= {field.name.decode().lower(): field.value.decode() for field in response.fields}
        return answer
    total = sum(route.weights.values())
    answer["services"] = {name: weight / total for name, weight in route.weights.items()}
    answer["asked_for"] = target_of(route)(request).decode("ascii", "backslashreplace")
    if route.mirror is not None:
        answer["mirror"] = {route.mirror.service: route.mirror.share}
    return answer
