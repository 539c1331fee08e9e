"""A running gateway takes other settings wholly or not at all, and no request under way notices."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import LoopingCall
from whole_gateway import OK, SWITCHING, UPGRADE, FarBackend, Start, WholeGateway, answer, status

from openprequal.config.changes import LIVE
from openprequal.config.gateway import GatewaySettings
from openprequal.errors import ConfigurationError

URL = "http://203.0.113.1:8001"


def test_the_answer_names_what_changed(start: Start) -> None:
    case = start()
    assert case.reload(queue_max=3, host_header="backend") == (
        200,
        {"reloaded": True, "changed": ["queue_max", "host_header"]},
    )
    assert case.reload(queue_max=3, host_header="backend") == (200, {"reloaded": True, "changed": []})


def test_settings_that_cannot_be_used_change_nothing_and_the_answer_says_why(start: Start) -> None:
    case = start()

    def wrong() -> GatewaySettings:
        raise ConfigurationError("gateway.toml: queue_max: -1 cannot be used: must be a whole number of at least 0")

    case.settings = wrong
    code, problem = case.post("/_openprequal/reload")
    assert code == 422
    assert problem["detail"] == "gateway.toml: queue_max: -1 cannot be used: must be a whole number of at least 0"


@pytest.mark.parametrize(
    "wrong",
    [
        {"balancer_parameters": {"q_riff": 1}},
        {"load_balancer_class": "no.such.class"},
        {"custom_request_hook": "no.such.hook"},
        {"custom_register_hook": "no.such.hook"},
        {"upstream_ca_file": "/no/such/file"},
        {"services": {"new": {"load_balancer_class": "NoSuch"}}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_the_settings_name_is_made_before_anything_changes(wrong: dict[str, Any], start: Start) -> None:
    case = start()
    code, _ = case.reload(host_header="backend", token="new", **wrong)
    assert code == 422
    case.get()
    assert b"Host: localhost\r\n" in case.backend.received.rpartition(b"GET /x")[2]
    # The service that was not made does not exist, and the settings are as they were.
    assert case.post("/register", {"url": "http://203.0.113.2:80", "service": "new"})[0] == 400
    assert case.reload()[1]["changed"] == []


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"listen": ("tcp:8001",)}, "listen"),
        ({"admin_port": 9000}, "admin_port"),
        ({"registry_class": "openprequal.registry.memory.MemoryRegistry"}, "registry_class"),
        ({"max_backends": 3, "queue_max": 1, "admin_port": 9000}, "admin_port, max_backends"),
    ],
)
def test_what_needs_a_restart_is_refused_by_name(settings: dict[str, Any], names: str, start: Start) -> None:
    case = start()
    code, problem = case.reload(**settings)
    assert code == 409
    assert problem["detail"] == f"{names}: cannot change while the gateway runs: restart it"
    assert case.reload()[1]["changed"] == []


def test_a_service_that_comes_gets_the_backends_that_the_registry_knew_for_it(start: Start, tmp_path: Path) -> None:
    listed = tmp_path / "backends.toml"
    far = FarBackend(8)
    listed.write_text(f"[[backends]]\nurl = '{far.url}'\nservice = 'new'\n")
    registry = {"registry_class": "file", "registry_parameters": {"file": str(listed)}}
    case = start(backends=0, **registry)
    case.backends.append(far)
    assert case.rows == []
    assert case.reload(**registry, services={"new": {}})[0] == 200
    assert [row["url"] for row in case.rows] == [far.url]


def test_only_who_may_register_may_reload(start: Start) -> None:
    case = start()
    case.reload(trust_loopback=False, token="s3cret")
    assert case.post("/_openprequal/reload")[0] == 403
    client = case.client()
    client.send(b"POST /_openprequal/reload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\n\r\n")
    case.wait(0)
    assert answer(client)[0] == 200


@pytest.mark.parametrize("balancer", ["RoundRobin", "least_in_flight", "prequal_sync", "maglev", "peak_ewma", "c3"])
def test_a_request_under_way_ends_as_if_nothing_had_happened(balancer: str, start: Start) -> None:
    case = start()
    client = case.get()
    assert case.reload(load_balancer_class=balancer)[1]["changed"] == ["load_balancer_class"]
    assert case.row["in_flight"] == 1
    case.answer_all()
    assert status(client) == 200
    assert case.row["in_flight"] == 0
    again = case.get()
    case.answer_all()
    assert status(again) == 200


def test_a_request_that_waits_for_the_former_balancers_pick_gets_it(start: Start) -> None:
    case = start(backends=2, load_balancer_class="prequal_sync")
    client = case.get()
    assert b"GET /x" not in b"".join(one.received for each in case.backends for one in each.connections)
    case.reload(load_balancer_class="RoundRobin")
    # Nobody answers its probes: time decides.
    case.wait(1)
    case.answer_all()
    case.answer_all()
    assert status(client) == 200
    assert [row["in_flight"] for row in case.rows] == [0, 0]


def test_a_tunnel_stays_open(start: Start) -> None:
    case = start()
    client = case.client()
    client.send(UPGRADE)
    case.wait(0)
    case.backend.send(SWITCHING)
    case.reload(
        load_balancer_class="RoundRobin", stall_timeout_seconds=99, backend_max_in_flight=3, header_max_fields=9
    )
    case.backend.send(b"from the backend")
    client.send(b"from the client")
    assert client.received.endswith(b"from the backend")
    assert case.backend.received.endswith(b"from the client")
    assert case.row["in_flight"] == 1


def test_a_kept_alive_connection_stays_and_its_next_request_goes_by_the_new_rules(start: Start) -> None:
    case = start()
    client = case.get()
    case.backend.send(OK)
    case.reload(host_header="backend", response_report_strip=False)
    client.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    case.wait(0)
    assert b"Host: 203.0.113.1:8001" in case.backend.received.rpartition(b"GET /x")[2]
    case.backend.send(b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=1\r\nContent-Length: 0\r\n\r\n")
    assert b"OpenPrequal-Load" in client.received.rpartition(b"HTTP/1.1 200")[2]


def test_a_lower_limit_holds_back_those_who_come_and_a_higher_one_lets_them_go(start: Start) -> None:
    case = start()
    first = case.get()
    case.reload(backend_max_in_flight=1, queue_timeout_seconds=60)
    second = case.get("/second")
    assert b"/second" not in case.backend.received
    case.reload(backend_max_in_flight=2, queue_timeout_seconds=60)
    case.wait(0)
    assert b"/second" in case.backend.received
    case.backends[0].connections[0].send(OK)
    case.backends[0].connections[1].send(OK)
    assert status(first) == 200
    assert status(second) == 200


def test_a_service_comes_and_goes_but_not_with_backends(start: Start) -> None:
    case = start()
    other = {"url": URL, "service": "other"}
    assert case.post("/register", other)[0] == 400
    case.reload(services={"other": {}})
    assert case.post("/register", other)[0] == 200
    case.wait(0.3)
    code, problem = case.reload()
    assert code == 409
    assert problem["detail"] == "services.other: cannot be removed: 1 backends are registered for it"
    assert case.post("/unregister", other)[0] == 200
    assert case.reload()[1]["changed"] == ["services"]
    assert case.post("/register", other)[0] == 400


def test_checks_go_by_the_new_interval_and_path(start: Start) -> None:
    case = start(health_interval_seconds=1000)
    case.reload(health_interval_seconds=1, backend_health_path="/alive")
    case.wait(1.5)
    assert b"GET /alive " in b"".join(each.received for each in case.backends[0].connections)


def test_what_the_former_balancer_did_again_and_again_ends(start: Start) -> None:
    case = start()

    def running() -> int:
        return len([call for call in case.reactor.getDelayedCalls() if isinstance(call.func, LoopingCall)])

    before = running()
    for number in range(3):
        case.reload(balancer_parameters={"q_rif": 0.5 + number / 10})
    assert running() > before
    case.wait(16)
    assert running() == before


def test_what_a_service_that_has_left_did_again_and_again_ends(start: Start) -> None:
    gateway = start(services={"a": {"hedge_percentile": 95, "service_max_in_flight": 5}})
    gateway.reload()
    gateway.wait(20)
    metrics = gateway.get("/metrics")
    gateway.wait(0)
    assert b' of default"}' in metrics.received
    assert b' of a"}' not in metrics.received


def test_a_client_that_has_too_many_connections_is_counted_from_the_reload_on(start: Start) -> None:
    case = start()
    held = [case.client() for _ in range(2)]
    case.reload(max_connections_per_client=2)
    assert status(case.get()) == 429
    assert len(held) == 2


def test_every_live_setting_exists() -> None:
    assert set(GatewaySettings.model_fields) >= LIVE


def test_pages_for_errors_are_read_again_wholly_or_not_at_all(start: Start, tmp_path: Path) -> None:
    page = tmp_path / "503.html"
    page.write_text("we are closed")
    case = start(backends=0, error_pages=str(tmp_path))

    def shown() -> bytes:
        return case.get("/x", Accept="text/html").received.partition(b"\r\n\r\n")[2]

    assert shown() == b"we are closed"
    page.write_text("we are {{mood}}")
    code, problem = case.reload(error_pages=str(tmp_path))
    assert (code, "'mood' is unknown" in problem["detail"]) == (422, True)
    assert shown() == b"we are closed"
    page.write_text("{{status}}: back soon")
    case.reload(error_pages=str(tmp_path))
    assert shown() == b"503: back soon"
    case.reload()
    assert b"about:blank" in shown()


def test_the_page_shows_the_id_that_the_backend_saw(start: Start, tmp_path: Path) -> None:
    (tmp_path / "5xx.html").write_text("{{request_id}}")
    case = start(error_pages=str(tmp_path), response_timeout_seconds=1)
    client = case.get("/x", Accept="text/html")
    (told,) = [line for line in case.backend.news().split(b"\r\n") if line.startswith(b"X-Request-Id: ")]
    case.wait(2)
    assert status(client) == 504
    assert client.received.partition(b"\r\n\r\n")[2] == told.removeprefix(b"X-Request-Id: ")


def limited(per_second: float) -> dict[str, Any]:
    """Settings with one rule of that rate, and of three requests at once."""
    return {"rate_limits": ({"by": "client", "per_second": per_second, "burst": 3},)}


def statuses(case: WholeGateway, count: int) -> list[int]:
    """What so many requests are answered with."""
    clients = [case.get() for _ in range(count)]
    case.answer_all()
    return [status(client) for client in clients]


def test_a_rate_limit_that_has_not_changed_remembers_what_was_used(start: Start) -> None:
    case = start(**limited(0.01))
    assert statuses(case, 2) == [200, 200]
    case.reload(**limited(0.01), queue_max=3)
    assert statuses(case, 2) == [200, 429]


def test_a_rate_limit_that_has_changed_begins_anew_and_one_that_is_gone_limits_nothing(start: Start) -> None:
    case = start(**limited(0.01))
    assert statuses(case, 4) == [200, 200, 200, 429]
    case.reload(**limited(0.02))
    assert statuses(case, 4) == [200, 200, 200, 429]
    case.reload()
    assert statuses(case, 4) == [200] * 4


def test_what_is_limited_shows_in_the_metrics(start: Start) -> None:
    case = start(**limited(0.01), max_connections_per_client=9)
    statuses(case, 5)
    held = [case.client() for _ in range(12)]
    for client in held[:-8]:
        client.close()
    shown = case.get("/metrics")
    case.wait(0.1)
    assert b'\nopenprequal_rate_limited_total{rule="client"} 2.0\n' in shown.received
    assert b'\nopenprequal_client_connections_turned_away_total{limit="max_connections_per_client"}' in shown.received
