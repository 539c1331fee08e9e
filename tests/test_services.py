"""A service goes by its own settings, and by the gateway's where it has none, from the start and after a reload."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from whole_gateway import OK, Start, status

from openprequal.config.gateway import GatewaySettings
from openprequal.config.groups.services import ServicesSettings
from openprequal.config.services import ServiceSettings
from openprequal.control_plane import health_rules
from openprequal.edge import Edge
from openprequal.errors import ConfigurationError

URL = "http://203.0.113.1:8001"
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def of_default(**settings: Any) -> dict[str, Any]:
    """Settings in which only the service ``default`` is told something."""
    return {"services": {"default": settings}}


def test_each_service_is_judged_by_rules_of_its_own() -> None:
    rules = health_rules(
        GatewaySettings(
            health_rise=2,
            eject_seconds=7,
            services={
                "a": {
                    "health_rise": 3,
                    "health_statuses": ["204"],
                    "backend_health_path": "/a",
                    "zone_healthy_share": 1,
                },
                "b": {"eject_after_failures": "none", "health_timeout_seconds": 9, "health_jitter": 0},
            },
        )
    )
    assert [rules[name].checks.rise for name in ("default", "a", "b")] == [2, 3, 2]
    assert [rules[name].checks.timeout_s for name in ("default", "a", "b")] == [2, 2, 9]
    assert [rules[name].checks.statuses for name in ("a", "b")] == [{204}, None]
    assert [rules[name].path for name in ("a", "b")] == ["/a", "/healthz"]
    assert [rules[name].enough for name in ("a", "b")] == [1, 0.5]
    assert rules["a"].ejection is not None
    assert rules["a"].ejection.first_s == 7
    assert rules["b"].ejection is None


def test_every_setting_of_a_service_is_one_of_the_gateways_with_the_same_bounds() -> None:
    for name, field in ServiceSettings.model_fields.items():
        whole = GatewaySettings.model_fields[name]
        assert (field.annotation, field.metadata, field.description) == (
            whole.annotation,
            whole.metadata,
            whole.description,
        )


def test_what_a_service_says_counts_even_if_it_is_the_default() -> None:
    settings = GatewaySettings(queue_max=5, services={"a": {"queue_max": 128}, "b": {}})
    assert [service.queue_max for service in settings.effective_services.values()] == [5, 128, 5]
    assert ServicesSettings(services={"a": {"queue_max": 128}}) != ServicesSettings(services={"a": {}})


def test_checks_of_a_service_go_by_its_own_path_and_interval(start: Start) -> None:
    other = {"backend_health_path": "/alive", "health_interval_seconds": 1}
    case = start(health_interval_seconds=1000, load_balancer_class="RoundRobin", services={"other": other})
    case.post("/register", {"url": URL, "service": "other"})
    for _ in range(4):
        case.wait(1.5)
        case.answer_all()
    asked = b"".join(connection.received for connection in case.backends[0].connections)
    assert asked.count(b"GET /alive ") >= 3
    assert asked.count(b"GET /healthz ") < 3


def test_a_limit_of_a_service_holds_its_requests_back(start: Start) -> None:
    case = start(**of_default(backend_max_in_flight=1, queue_max=1))
    first, second, third = (case.get(f"/{number}") for number in range(3))
    assert (status(first), status(second), status(third)) == (0, 0, 503)


def test_connections_to_the_backends_of_a_service_are_kept_as_it_says(start: Start) -> None:
    case = start(**of_default(upstream_max_idle=0))
    client = case.get()
    connection = case.backend
    connection.send(OK)
    case.wait(0)
    assert status(client) == 200
    assert connection.ended is not None


def test_where_a_service_ejects_nobody_a_failing_backend_is_still_used(start: Start) -> None:
    rows = []
    for settings in ({}, of_default(eject_after_failures="none")):
        case = start(backends=2, load_balancer_class="RoundRobin", **settings)
        for _ in range(40):
            case.get()
            case.backends[0].answer_all(BAD)
            case.answer_all()
        rows.append([row["condition"] for row in case.rows])
    assert rows == [["ejected", "up"], ["up", "up"]]


def test_a_reload_changes_what_one_service_has_of_its_own(start: Start) -> None:
    case = start(**of_default(backend_max_in_flight=1, queue_max=0))
    case.get("/first")
    assert status(case.get("/second")) == 503
    assert case.reload(**of_default(queue_max=0))[1]["changed"] == ["services"]
    case.get("/third")
    assert b"/third" in b"".join(connection.received for connection in case.backends[0].connections)


def test_a_reload_that_says_a_default_in_a_service_is_a_change(start: Start) -> None:
    case = start(queue_max=1)
    assert case.reload(queue_max=1, **of_default(queue_max=128))[1]["changed"] == ["services"]
    assert case.reload(queue_max=1, **of_default(queue_max=128))[1]["changed"] == []


def test_rules_of_ejection_are_taken_by_a_running_gateway(start: Start) -> None:
    case = start(backends=2, load_balancer_class="RoundRobin", eject_after_failures=None)
    code, _ = case.reload(
        load_balancer_class="RoundRobin", eject_after_failures=3, retry_budget=0, zone_healthy_share=1
    )
    assert code == 200
    for _ in range(20):
        case.get()
        case.backends[0].answer_all(BAD)
        case.answer_all()
    assert [row["condition"] for row in case.rows] == ["ejected", "up"]


@pytest.mark.parametrize(("name", "value"), [("hedge_percentile", 90), ("service_max_in_flight", 7)])
def test_what_a_service_is_made_with_for_good_needs_a_restart(name: str, value: int, start: Start) -> None:
    case = start()
    code, problem = case.reload(**of_default(**{name: value}))
    assert code == 409
    assert problem["detail"] == f"services.default.{name}: cannot change while the gateway runs: restart it"


def test_authorities_of_each_service_are_read(tmp_path: Path) -> None:
    settings = GatewaySettings(services={"a": {"upstream_ca_file": str(tmp_path / "none.pem")}})
    with pytest.raises(ConfigurationError, match=r"none\.pem' cannot be read: No such file"):
        Edge(Clock(), settings, lambda: 0.0)
