"""A route may limit how often requests come, beside what is limited for all."""

from typing import Any

from whole_gateway import WholeGateway, status

ONE = {"by": "all", "per_second": 0.01, "burst": 1}


def statuses(whole: WholeGateway, *paths: str) -> list[int]:
    clients = [whole.get(path) for path in paths]
    whole.answer_all()
    return [status(client) for client in clients]


def gateway(*routes: dict[str, Any], **settings: Any) -> WholeGateway:
    return WholeGateway(routes=routes, **settings)


def test_requests_of_other_routes_are_not_limited() -> None:
    whole = gateway({"name": "api", "path_prefix": "/api", "rate_limits": (ONE,)}, {"name": "rest"})
    assert statuses(whole, "/api", "/api", "/x", "/x") == [200, 429, 200, 200]


def test_what_holds_for_all_holds_for_a_route_with_limits_too() -> None:
    whole = gateway({"name": "api", "rate_limits": ({**ONE, "burst": 9},)}, rate_limits=(ONE,))
    assert statuses(whole, "/", "/") == [200, 429]


def test_redirects_can_be_limited() -> None:
    whole = gateway({"name": "old", "redirect": {"to": "/new"}, "rate_limits": (ONE,)})
    assert statuses(whole, "/", "/") == [308, 429]


def test_the_metrics_name_the_route_and_the_rule() -> None:
    whole = gateway({"name": "api", "rate_limits": (ONE,)})
    statuses(whole, "/", "/")
    shown = whole.get("/metrics")
    whole.wait(0.1)
    assert b'openprequal_rate_limited_total{rule="api/all"} 1.0' in shown.received
    assert b'openprequal_route_requests_total{code="429",route="api",service="-"} 1.0' in shown.received


def test_a_limit_of_a_route_that_has_not_changed_remembers_what_was_used() -> None:
    routes = ({"name": "api", "rate_limits": (ONE,)},)
    whole = gateway(*routes)
    assert statuses(whole, "/") == [200]
    whole.reload(routes=routes, queue_max=3)
    assert statuses(whole, "/") == [429]
