"""Nobody gets in: what strangers try with a whole gateway, and what it answers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from whole_gateway import OK, FarBackend, WholeGateway, answer, status

STRANGER = IPv4Address("TCP", "198.51.100.66", 40000)
INSIDER = IPv4Address("TCP", "10.1.2.3", 40000)
EVIL = {"url": "http://203.0.113.66:80"}
TOKEN = {"Authorization": "Bearer s3cret"}

Start = Callable[..., WholeGateway]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[WholeGateway] = []

    def make(**settings: Any) -> WholeGateway:
        started.append(WholeGateway(**settings))
        evil = FarBackend(65)
        evil.accepts = False
        started[-1].backends.append(evil)
        return started[-1]

    yield make
    for gateway in started:
        gateway.end()


def known(case: WholeGateway) -> set[str]:
    """URLs of all backends."""
    return {row["url"] for row in case.rows}


# ---- who may register -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"token": "s3cret"}])
def test_a_stranger_cannot_register(start: Start, settings: dict[str, str]) -> None:
    case = start(**settings)
    code, problem = case.post("/register", EVIL, STRANGER)
    assert (code, problem["title"]) == (403, "Forbidden")
    assert EVIL["url"] not in known(case)


@pytest.mark.parametrize("path", ["/backends", "/metrics"])
def test_a_stranger_sees_nothing(start: Start, path: str) -> None:
    assert status(start(token="s3cret").get(path, STRANGER)) == 403


def test_a_stranger_cannot_take_a_backend_away_or_reload(start: Start) -> None:
    case = start(token="s3cret")
    assert case.post("/unregister", {"url": case.backends[0].url}, STRANGER)[0] == 403
    assert case.post("/_openprequal/reload", None, STRANGER)[0] == 403
    assert known(case) == {case.backends[0].url}


def test_a_proxy_on_the_same_host_lets_nobody_register_where_loopback_is_not_trusted(start: Start) -> None:
    # HAProxy and nginx add no field by default: all that reaches us is a request from loopback.
    case = start(backends=0, token="s3cret", trust_loopback=False)
    assert case.post("/register", EVIL)[0] == 403
    assert known(case) == set()
    assert case.post("/register", EVIL, **TOKEN)[0] == 200


def test_a_proxy_on_the_same_host_that_says_so_lets_nobody_register(start: Start) -> None:
    case = start()
    for name in ("X_Forwarded_For", "Forwarded", "Via", "X_Forwarded_Host"):
        assert case.post("/register", EVIL, **{name: "x"})[0] == 403
    assert EVIL["url"] not in known(case)


def test_a_page_in_a_browser_cannot_register_at_localhost(start: Start) -> None:
    case = start()
    assert case.post("/register", EVIL, Origin="https://evil.example")[0] == 403
    assert case.post("/register", EVIL, Origin="null")[0] == 403
    assert EVIL["url"] not in known(case)


def test_a_form_in_a_browser_that_tells_no_origin_cannot_register(start: Start) -> None:
    # Without asking first (CORS), a page can send texts and forms only.
    case = start()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert case.post("/register", EVIL, **{"Content-Type": kind})[0] in (400, 415)
    assert EVIL["url"] not in known(case)


def test_no_page_is_told_that_it_may_ask(start: Start) -> None:
    client = start().client()
    client.send(
        b"OPTIONS /register HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
        b"Access-Control-Request-Method: POST\r\n\r\n"
    )
    assert b"405 Method" in client.received
    assert b"access-control" not in client.received.lower()


def test_a_name_that_leads_to_localhost_opens_nothing(start: Start) -> None:
    # DNS rebinding of the browser: the page's own name leads to 127.0.0.1, so that there is no other origin.
    case = start()
    assert case.post("/register", EVIL, Host="evil.example:8000")[0] == 403
    assert status(case.get("/backends", Host="evil.example:8000")) == 403


def test_a_forged_forwarding_field_makes_nobody_local(start: Start) -> None:
    case = start(trusted_proxies=("198.51.100.0/24",))
    for name in ("X_Forwarded_For", "Forwarded", "X_Real_Ip"):
        assert case.post("/register", EVIL, STRANGER, **{name: "127.0.0.1"})[0] == 403


def test_a_caller_with_the_token_from_another_network_is_refused(start: Start) -> None:
    case = start(token="s3cret", admin_networks="10.0.0.0/8")
    code, problem = case.post("/register", EVIL, STRANGER, **TOKEN)
    assert (code, problem["detail"]) == (403, "your address is in none of the admin_networks")
    assert case.post("/register", EVIL, INSIDER, **TOKEN)[0] == 200


def test_a_token_is_changed_without_a_moment_in_which_none_is_right(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    case = start(backends=0, token="old", token_file=str(file), trust_loopback=False)

    def opens(token: str) -> bool:
        return status(case.get("/backends", Authorization=f"Bearer {token}")) == 200

    assert (opens("old"), opens("new")) == (True, False)
    file.write_text("new\nold\n")
    assert (opens("old"), opens("new")) == (True, True)
    file.write_text("new\n")
    assert (opens("old"), opens("new")) == (False, True)


def test_where_the_admin_api_has_its_own_endpoint_the_clients_have_none(start: Start) -> None:
    case = start(backends=0, admin_port=9000)
    for path in ("/register", "/backends", "/metrics", "/healthz", "/_openprequal/reload"):
        assert answer(case.get(path))[1]["title"] == "No backend available"  # it is a backend's, if there were one


# ---- what may be registered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://169.254.169.254:80", "http://[::ffff:169.254.169.254]:80", "http://[fe80::1]"])
def test_a_metadata_address_cannot_be_registered_even_with_the_token(start: Start, url: str) -> None:
    case = start(backends=0, token="s3cret")
    code, problem = case.post("/register", {"url": url}, INSIDER, **TOKEN)
    assert (code, problem["field"]) == (400, "url")
    assert "backend_networks" in problem["detail"]
    assert known(case) == set()


def test_a_backend_outside_the_networks_cannot_be_registered(start: Start) -> None:
    case = start(backends=0, backend_networks="203.0.113.64/26")
    assert "backend_networks" in case.post("/register", {"url": "http://192.0.2.1:80"})[1]["detail"]
    assert case.post("/register", EVIL)[0] == 200


@pytest.mark.parametrize("url", ["unix:///var/run/docker.sock", "unix:///run/openprequal.sock"])
def test_a_unix_socket_cannot_be_registered_even_from_this_host(start: Start, url: str) -> None:
    code, problem = start(backends=0).post("/register", {"url": url})
    assert (code, problem["field"]) == (400, "url")
    assert "backend_sockets" in problem["detail"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_the_gateway_cannot_be_registered_with_itself(start: Start, host: str) -> None:
    case = start(backends=0)
    code, problem = case.post("/register", {"url": f"http://{host}:8000"})
    assert (code, "this gateway itself" in problem["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("address", "why"), [("169.254.169.254", "backend_networks"), ("127.0.0.1", "this gateway itself")]
)
def test_a_name_that_is_made_to_lead_elsewhere_is_not_followed(start: Start, address: str, why: str) -> None:
    # Neither by checks and probes nor by requests; a connection to there would fail the test.
    case = start(backends=0)
    case.names.addresses["a.test"] = ["203.0.113.1"]
    case.backends = [far := FarBackend(0)]
    case.post("/register", {"url": "http://a.test:8000"})
    case.wait(0.3)
    case.answer_all()
    assert case.row["up"]
    case.names.addresses["a.test"] = [address]
    case.wait(31)
    for connection in far.connections:
        connection.reset()
    case.wait(10)
    assert status(case.get("/x")) in (502, 503)
    assert not case.row["up"]
    assert f"a.test: {address}" in case.row["reason"]
    assert why in case.row["reason"]


def test_networks_that_become_narrower_end_what_is_outside(start: Start) -> None:
    case = start()
    assert case.reload(backend_networks="10.0.0.0/8")[0] == 200
    case.wait(10)
    assert not case.row["up"]
    assert "backend_networks" in case.row["reason"]


# ---- what a request may say -----------------------------------------------------------------------------------------


def test_a_forged_forwarding_field_does_not_reach_a_backend(start: Start) -> None:
    case = start()
    case.get("/x", STRANGER, X_Forwarded_For="127.0.0.1", X_Forwarded_Host="bank.example", Forwarded="for=127.0.0.1")
    head = case.backend.news()
    assert b"X-Forwarded-For: 198.51.100.66\r\n" in head
    assert b"127.0.0.1" not in head
    assert b"bank.example" not in head


@pytest.mark.parametrize(
    "fields",
    [
        {"OpenPrequal-Load": "rif=0, latency=0.0001, state=draining", "OpenPrequal-Hint": "0123456789abcdef"},
        {"X-Prequal-Rif": "0", "X-Prequal-Latency-Us": "1", "X-In-Flight": "0", "X-Estimated-Latency": "1"},
        {"Endpoint-Load-Metrics": "JSON {}"},
        {"Endpoint-Load-Metrics-Format": "TEXT"},
    ],
)
def test_a_request_cannot_report_load_or_look_like_a_probe(start: Start, fields: dict[str, str]) -> None:
    case = start()
    before = {name: case.row[name] for name in ("rif", "latency", "state", "report_age", "up")}
    client = case.get("/x", STRANGER, **fields)
    head = case.backend.news().lower()
    assert head.startswith(b"get /x ")
    assert not [name for name in fields if name.lower().encode() in head]
    case.backend.send(OK)
    assert client.received.startswith(b"HTTP/1.1 200 ")
    assert {name: case.row[name] for name in before} == before


def test_trailers_of_a_request_cannot_report_load_either(start: Start) -> None:
    case = start()
    client = case.client(STRANGER)
    client.send(
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\na\r\n0\r\nOpenPrequal-Load: rif=0\r\nX-Kept: 1\r\n\r\n"
    )
    case.wait(0)
    sent = case.backend.news()
    assert b"X-Kept: 1" in sent
    assert b"OpenPrequal-Load" not in sent


def test_a_heartbeat_with_an_absurd_load_is_refused(start: Start) -> None:
    case = start()
    url = case.backends[0].url
    for load in ({"rif": -1}, {"rif": 1e300}, {"rif": "0"}, {"rif": 0, "latency": -1}):
        assert case.post("/register", {"url": url, "load": load})[0] == 400
    assert case.row["rif"] is None
