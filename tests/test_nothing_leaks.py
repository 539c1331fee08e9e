"""Nothing leaks: no secret is in what the gateway writes or answers, and its answers say no more than they must."""

import traceback
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from whole_gateway import OK, Start, WholeGateway, answer, status

from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.config.middleware import MiddlewareSettings
from openprequal.errors import ConfigurationError

SECRET = "q7-s3cret-9x"
STRANGER = IPv4Address("TCP", "198.51.100.66", 40000)


def broken_hook(request: Any) -> None:
    """Raises with what a careless hook would say."""
    raise RuntimeError("no such user")


def broken_registration(backend: Any) -> None:
    raise RuntimeError("no such network")


def pages(case: WholeGateway) -> bytes:
    """All that the gateway tells of itself."""
    return case.get("/backends").received + case.get("/metrics").received


def test_the_token_is_in_no_log_no_page_and_no_problem_document(start: Start, logged: list[str]) -> None:
    case = start(token=SECRET)
    received = [
        case.get("/backends", STRANGER, Authorization=f"Bearer {SECRET}"),
        case.get("/backends", STRANGER, Authorization=f"Bearer {SECRET}x"),
        case.get("/backends", STRANGER, Authorization=f"Basic {SECRET}"),
        case.get("/nowhere/at/all", STRANGER, Authorization=f"Bearer {SECRET}"),
    ]
    assert [status(each) for each in received[:3]] == [200, 403, 403]
    case.post("/register", {"url": SECRET}, STRANGER, Authorization=f"Bearer {SECRET}x")
    case.post("/register", {"url": "http://169.254.169.254"}, STRANGER, Authorization=f"Bearer {SECRET}")
    assert any("refused" in line for line in logged)
    written = b"".join(each.received for each in received) + pages(case) + "\n".join(logged).encode()
    assert SECRET.encode() not in written


def test_a_reload_that_fails_or_succeeds_does_not_tell_the_token(start: Start, logged: list[str]) -> None:
    case = start()
    assert case.reload(token=SECRET, trust_loopback=True)[1]["changed"] == ["token"]
    case.reload(token=f"{SECRET}-2", load_balancer_class="no.such.class")
    assert any("not reloaded" in line for line in logged)
    assert SECRET not in "\n".join(logged)


def test_what_clients_prove_themselves_with_is_in_no_log(start: Start, logged: list[str]) -> None:
    case = start(custom_request_hook="test_nothing_leaks.broken_hook")
    secrets = {"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}", "Proxy-Authorization": SECRET}
    failed = case.get(f"/login?password={SECRET}", STRANGER, **secrets)
    assert status(failed) == 500
    malformed = case.client(STRANGER)
    malformed.send(f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {SECRET}\r\nHost: b\r\n\r\n".encode())
    assert status(malformed) == 400
    assert any("no such user" in line for line in logged)
    assert SECRET not in "\n".join(logged) + (failed.received + malformed.received + pages(case)).decode()


def test_a_url_with_credentials_is_refused_and_not_repeated(start: Start, logged: list[str]) -> None:
    case = start()
    code, problem = case.post("/register", {"url": f"http://user:{SECRET}@203.0.113.9:80"})
    assert (code, problem["detail"]) == (400, "url: may not hold credentials")
    assert SECRET not in "\n".join(logged) + pages(case).decode()


def test_the_paths_of_a_backends_checks_and_probes_are_shown_to_nobody(start: Start, logged: list[str]) -> None:
    case = start()
    url = case.backends[0].url
    case.post("/register", {"url": url, "health_path": f"/up?key={SECRET}", "probe_path": f"/p?key={SECRET}"})
    case.wait(0.3)
    case.backend.send(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    case.wait(6)
    assert SECRET not in "\n".join(logged) + pages(case).decode()


def test_the_cause_of_an_error_stays_in_the_log(start: Start, logged: list[str]) -> None:
    case = start()
    case.reload(custom_register_hook="test_nothing_leaks.broken_registration")
    code, problem = case.post("/register", {"url": "http://203.0.113.9:80"})
    assert (code, problem) == (500, {"type": "about:blank", "title": "Internal Server Error", "status": 500})
    assert any("no such network" in line for line in logged)


def test_a_clients_error_names_no_backend(start: Start) -> None:
    case = start(retry_attempts=0)
    client = case.get("/x", STRANGER)
    for _ in range(2):  # a connection that was used before may have been closed meanwhile, and is tried again
        case.backend.reset()
        case.wait(0.05)
    assert status(client) == 502
    assert b"203.0.113.1" not in client.received


@pytest.mark.parametrize("model", [GatewaySettings, AgentSettings, MiddlewareSettings])
def test_the_settings_do_not_show_the_token(model: Any) -> None:
    settings = model(token=(SECRET,), **({"port": 1} if model is MiddlewareSettings else {}))
    assert settings.token[0].get_secret_value() == SECRET
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_token_that_cannot_be_one_is_not_repeated_in_a_traceback_either() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(GatewaySettings, {}, {"OPENPREQUAL_TOKEN": f"{SECRET} {SECRET}"})
    assert SECRET not in "".join(traceback.format_exception(refused.value))


# ---- no more than needed --------------------------------------------------------------------------------------------


def test_no_answer_of_the_gateway_tells_what_it_runs_on(start: Start) -> None:
    case = start()
    (backend,) = case.backends
    answers = [case.get(path) for path in ("/backends", "/metrics", "/healthz", "/readyz", "/_openprequal/none")]
    case.post("/unregister", {"url": backend.url})
    answers.append(case.get("/x"))
    for each in answers:
        head = each.received.partition(b"\r\n\r\n")[0].lower()
        assert b"server:" not in head
        assert not [word for word in (b"twisted", b"klein", b"python", b"werkzeug") if word in head]


def test_a_load_report_does_not_reach_the_client(start: Start) -> None:
    case = start()
    client = case.get("/x", STRANGER)
    case.backend.news()
    case.backend.send(OK.replace(b"\r\n\r\n", b"\r\nOpenPrequal-Load: rif=3, latency=0.1\r\nX-Prequal-Rif: 3\r\n\r\n"))
    assert status(client) == 200
    assert b"rif" not in client.received.lower()
    assert case.row["rif"] == 3


def test_an_answer_of_the_admin_api_is_nothing_that_a_page_can_use(start: Start) -> None:
    case = start()
    for path in ("/backends", "/metrics", "/_openprequal/none"):
        head = case.get(path).received.partition(b"\r\n\r\n")[0].lower()
        assert b"x-content-type-options: nosniff" in head
        assert b"cache-control: no-store" in head
        assert b"content-security-policy: default-src 'none'" in head
        assert b"access-control" not in head


def test_via_says_no_more_than_a_name(start: Start) -> None:
    case = start()
    client = case.get("/x", STRANGER)
    case.backend.news()
    case.backend.send(OK)
    (via,) = [line for line in client.received.split(b"\r\n") if line.lower().startswith(b"via:")]
    assert via.startswith(b"Via: 1.1 openprequal-")
    assert b"/" not in via


def test_a_backend_that_is_refused_says_so_to_the_operator_alone(start: Start, logged: list[str]) -> None:
    case = start()
    case.reload(backend_networks="10.0.0.0/8")
    case.wait(10)
    assert any("is down: health check: no answer: 203.0.113.1" in line for line in logged)
    client = case.get("/x", STRANGER)
    case.wait(2)
    assert answer(client)[1]["title"] in ("No backend available", "Bad gateway")
    assert b"backend_networks" not in client.received
