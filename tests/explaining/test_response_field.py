"""A request that carries X-OpenPrequal-Explain, and may, is told in its response why it went where it did."""

import re
from typing import Any

import pytest
from asked import joined, last
from twisted.internet.address import IPv4Address
from whole_gateway import SWITCHING, UPGRADE, WholeGateway, status

from openprequal.admin.access import AccessRules
from openprequal.balancing.round_robin import RoundRobin
from openprequal.explaining.asking import may_ask
from openprequal.http1.origin import Origin
from openprequal.http1.request import parse_request_head

FAR = IPv4Address("TCP", "192.0.2.1", 40000)
TOKEN = "a-token-of-some-length"


SEEN: list[list[bytes]] = []


def noted(request: Any) -> None:
    """A request hook."""
    SEEN.append([name for name, _ in request.fields])


class Wordy(RoundRobin):
    """A balancer of somebody's own, with reasons that are no words of ours."""

    last_reason = "the least busy, größte Ruhe"


def told(received: bytes) -> dict[str, str]:
    """The members of the dictionary in the response's field; empty: there is none."""
    head = received.partition(b"\r\n\r\n")[0].decode()
    found = re.search(r"\r\nX-OpenPrequal-Explain: (.*)", head)
    if found is None:
        return {}
    member = re.compile(r'([a-z-]+)=("(?:[^"\\]|\\.)*"|\([^)]*\)|[^,]*)(?:, |$)')
    assert "".join(each[0] for each in member.finditer(found[1].strip())) == found[1].strip()
    return {name: value.strip('"') for name, value in member.findall(found[1].strip())}


def test_one_from_this_host_is_told_who_answered_and_why() -> None:
    gateway = WholeGateway(2)
    gateway.post("/register", {"url": gateway.backends[0].url, "load": {"rif": 3, "latency": 0.01}})
    client = gateway.get("/x", X_OpenPrequal_Explain="1")
    gateway.answer_all()
    field = told(client.received)
    assert field["backend"] in {each.url for each in gateway.backends}
    assert (field["service"], field["reason"], field["attempts"], field["among"]) == ("default", "cold", "1", "2")
    assert {"rif", "latency-ms", "why", "request-id"} <= field.keys()
    assert f"X-Request-Id: {field['request-id']}".encode() in b"".join(
        connection.received for each in gateway.backends for connection in each.connections
    )


def test_the_threshold_and_the_age_of_the_report_are_told_where_there_are_reports() -> None:
    gateway = WholeGateway(1)
    gateway.get("/x")
    gateway.wait(0)
    gateway.backend.send(b"HTTP/1.1 204 No Content\r\nOpenPrequal-Load: rif=3, latency=0.01\r\n\r\n")
    gateway.wait(0.1)
    client = gateway.get("/x", X_OpenPrequal_Explain="1")
    gateway.answer_all()
    field = told(client.received)
    assert (field["threshold"], float(field["age-ms"])) == ("3.000", pytest.approx(100, abs=60))


def test_a_response_that_tells_is_not_kept_by_caches() -> None:
    gateway = WholeGateway(1)
    client = gateway.get("/x", X_OpenPrequal_Explain="1")
    gateway.answer_all()
    assert b"\r\nCache-Control: no-store\r\n" in client.received


def test_the_backend_never_sees_the_field_whoever_sent_it() -> None:
    gateway = WholeGateway(1, token=(TOKEN,))
    for peer in (None, FAR):
        for value in ("1", f"Bearer {TOKEN}"):
            gateway.get("/x", **({} if peer is None else {"peer": peer}), X_OpenPrequal_Explain=value)
            gateway.answer_all()
    received = b"".join(connection.received for connection in gateway.backends[0].connections)
    assert received.count(b"GET /x ") == 4
    assert b"explain" not in received.lower()
    assert TOKEN.encode() not in received


def test_a_request_hook_is_not_handed_the_token() -> None:
    SEEN.clear()
    gateway = WholeGateway(1, token=(TOKEN,), custom_request_hook="test_response_field.noted")
    client = gateway.get("/x", X_OpenPrequal_Explain=f"Bearer {TOKEN}", X_Other="1")
    gateway.answer_all()
    assert told(client.received)["backend"] == gateway.backends[0].url
    (names,) = SEEN
    assert b"X-Other" in names
    assert b"X-OpenPrequal-Explain" not in names


def test_in_a_site_of_somebodys_own_nobody_is_known_to_be_near() -> None:
    allowed = may_ask(AccessRules(lambda: [TOKEN]), ())
    client: Any = object()
    for value, may in ((b"1", False), (b"Bearer " + TOKEN.encode(), True)):
        head = parse_request_head(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-OpenPrequal-Explain: " + value, "127.0.0.1")
        head.origin = Origin(source=IPv4Address("TCP", "127.0.0.1", 40000))
        assert allowed(client, head) is may


def test_a_field_that_a_backend_sends_is_not_passed_on() -> None:
    gateway = WholeGateway(1)
    client = gateway.get("/x")
    gateway.wait(0)
    gateway.backend.send(b"HTTP/1.1 204 No Content\r\nX-OpenPrequal-Explain: backend=made-up\r\n\r\n")
    gateway.wait(0)
    assert status(client) == 204
    assert told(client.received) == {}


@pytest.mark.parametrize(
    ("settings", "peer", "fields", "may"),
    [
        ({}, FAR, {"X_OpenPrequal_Explain": "1"}, False),
        ({}, FAR, {"X_OpenPrequal_Explain": f"Bearer {TOKEN}"}, True),
        ({}, FAR, {"X_OpenPrequal_Explain": f"bearer {TOKEN}"}, True),
        ({}, FAR, {"X_OpenPrequal_Explain": "Bearer wrong"}, False),
        # The backend's credentials, whatever they are, open nothing.
        ({}, FAR, {"X_OpenPrequal_Explain": "1", "Authorization": f"Bearer {TOKEN}"}, False),
        ({}, None, {"X_OpenPrequal_Explain": "1", "X_Forwarded_For": "127.0.0.1"}, False),
        ({}, FAR, {"X_OpenPrequal_Explain": "1", "X_Forwarded_For": "127.0.0.1"}, False),
        ({}, None, {"X_OpenPrequal_Explain": "1", "Host": "a.test"}, False),
        ({}, None, {"X_OpenPrequal_Explain": "1", "Origin": "https://a.test"}, False),
        ({"trusted_proxies": ["127.0.0.1"]}, None, {"X_OpenPrequal_Explain": "1"}, False),
        ({"trusted_proxies": ["127.0.0.1"]}, None, {"X_OpenPrequal_Explain": f"Bearer {TOKEN}"}, True),
        ({"trust_loopback": False}, None, {"X_OpenPrequal_Explain": "1"}, False),
        ({"admin_networks": ["10.0.0.0/8"]}, FAR, {"X_OpenPrequal_Explain": f"Bearer {TOKEN}"}, False),
    ],
)
def test_others_are_answered_as_if_they_had_not_asked(
    settings: dict[str, object], peer: IPv4Address | None, fields: dict[str, str], may: bool
) -> None:
    gateway = WholeGateway(1, token=(TOKEN,), **settings)
    client = gateway.get("/x", **({} if peer is None else {"peer": peer}), **fields)
    gateway.answer_all()
    assert status(client) == 200
    assert bool(told(client.received)) is may
    assert (b"no-store" in client.received) is may


def test_an_error_of_the_gateways_is_told_with_why_nobody_could_be_picked() -> None:
    gateway = WholeGateway(0)
    joined(gateway)
    field = told(gateway.get("/x", X_OpenPrequal_Explain="1").received)
    assert (field["attempts"], field["error"]) == ("0", "No backend available")
    assert field["why"] == "no backend of default may be picked (1 unchecked)"


def test_each_backend_that_was_tried_is_named() -> None:
    gateway = WholeGateway(2, retry_statuses="503", retry_attempts=1, load_balancer_class="round_robin")
    client = gateway.get("/x", X_OpenPrequal_Explain="1")
    gateway.wait(0)
    busy = next(each for each in gateway.backends if b"GET /x " in each.connections[-1].received)
    busy.connections[-1].send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    gateway.wait(0)
    gateway.answer_all()
    field = told(client.received)
    (other,) = [each.url for each in gateway.backends if each is not busy]
    assert (field["attempts"], field["backend"]) == ("2", other)
    assert field["tried"] == f'("{busy.url}" "{other}")'


def test_an_upgrade_is_told_too() -> None:
    gateway = WholeGateway(1)
    client = gateway.client()
    client.send(UPGRADE.replace(b"a.test", b"localhost")[:-2] + b"X-OpenPrequal-Explain: 1\r\n\r\n")
    gateway.wait(0)
    gateway.backend.send(SWITCHING)
    gateway.wait(0)
    assert status(client) == 101
    assert told(client.received)["backend"] == gateway.backends[0].url


def test_one_on_a_route_is_told_which_and_an_answer_of_the_routes_own_too() -> None:
    routes = [
        {"name": "api", "path_prefix": "/api"},
        {"name": "old", "path_prefix": "/old", "redirect": {"to": "https://a.test/", "status": 301}},
    ]
    gateway = WholeGateway(1, routes=routes)
    client = gateway.get("/api/x", X_OpenPrequal_Explain="1")
    gateway.answer_all()
    assert told(client.received)["route"] == "api"
    assert told(gateway.get("/old", X_OpenPrequal_Explain="1").received) == {"route": "old", "attempts": "0"}


def test_a_request_that_asks_is_remembered_with_what_was_believed() -> None:
    gateway = WholeGateway(2)
    client = gateway.get("/x", X_OpenPrequal_Explain="1")
    gateway.answer_all()
    field = told(client.received)
    (row,) = last(gateway, f"?request_id={field['request-id']}")
    assert row["attempts"][0]["believed"]["because"] == field["why"]


def test_one_asks_and_another_does_not_on_one_connection() -> None:
    gateway = WholeGateway(1, routes=[{"name": "all", "path_prefix": "/"}])
    client = gateway.client()
    answers = []
    for more in (b"", b"X-OpenPrequal-Explain: 1\r\n", b"", b"X-OpenPrequal-Explain: 1\r\n"):
        client.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n")
        gateway.wait(0)
        gateway.answer_all()
        answers.append(bool(told(client.news())))
    assert answers == [False, True, False, True]


def test_the_reason_of_a_balancer_of_ones_own_may_be_any_text() -> None:
    gateway = WholeGateway(1, load_balancer_class="test_response_field.Wordy")
    client = gateway.get("/x", X_OpenPrequal_Explain="1")
    gateway.answer_all()
    assert status(client) == 200
    assert told(client.received)["reason"] == "the least busy, gr??te Ruhe"
