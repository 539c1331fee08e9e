"""Preflights are answered by the gateway, and every response says who may use it."""

import pytest
from filtered import FilteredNetwork
from messages import GET, OK, UPGRADE, content, head, statuses

from openprequal.filters.cors import CorsRules

ORIGIN = b"https://app.test"
FROM_THERE = GET[:-2] + b"Origin: " + ORIGIN + b"\r\n\r\n"
PREFLIGHT = (
    b"OPTIONS /x HTTP/1.1\r\nHost: a.test\r\nOrigin: " + ORIGIN + b"\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
)
ALLOWED = b"\r\nAccess-Control-Allow-Origin: " + ORIGIN + b"\r\n"


@pytest.fixture
def network() -> FilteredNetwork:
    return FilteredNetwork(cors=CorsRules(origins=frozenset({ORIGIN}), methods=("PUT",)), compression={})


def test_a_preflight_is_answered_without_a_backend(network: FilteredNetwork) -> None:
    client = network.client()
    client.send(PREFLIGHT)
    assert client.received.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert ALLOWED in client.received
    assert b"\r\nAccess-Control-Allow-Methods: PUT\r\n" in client.received
    assert b"\r\nDate: today\r\n" in client.received
    assert b"Content-Length" not in client.received
    assert network.backend().dialled == 0
    assert network.counted == [(b"OPTIONS", 204)]


def test_the_connection_goes_on_after_it(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(PREFLIGHT + FROM_THERE)
    backend.answer(OK)
    assert statuses(client.received) == [204, 200]


def test_a_preflight_with_a_body_does_not_end_it(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(PREFLIGHT[:-2] + b"Content-Length: 5\r\n\r\nhello" + FROM_THERE)
    backend.answer(OK)
    assert statuses(client.received) == [204, 200]


def test_options_that_is_no_preflight_goes_to_the_backend(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(b"OPTIONS /x HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert backend.received.startswith(b"OPTIONS /x ")


def test_a_response_says_who_may_use_it(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(FROM_THERE)
    assert b"\r\nOrigin: " + ORIGIN in backend.received
    backend.answer(OK)
    assert ALLOWED in client.received
    assert b"\r\nVary: Origin\r\n" in client.received
    assert content(client.received) == b"hello"


def test_so_does_one_that_is_compressed(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(FROM_THERE[:-2] + b"Accept-Encoding: gzip\r\n\r\n")
    backend.answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)
    assert ALLOWED in client.received
    assert b"\r\nContent-Encoding: gzip\r\n" in client.received
    assert b"\r\nVary: Origin\r\n" in client.received
    assert b"\r\nVary: Accept-Encoding\r\n" in client.received


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_an_error_of_ours_says_it_too(network: FilteredNetwork, method: bytes) -> None:
    client, backend = network.client(), network.backend()
    backend.refuse()
    client.send(method + FROM_THERE[3:])
    assert statuses(client.received) == [502]
    assert ALLOWED in client.received
    assert (b'"status": 502' in content(client.received)) is (method == b"GET")
    assert head(client.received).count(b"Content-Length") == 1


def test_a_tunnel_is_no_business_of_it(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(UPGRADE[:-2] + b"Origin: " + ORIGIN + b"\r\n\r\n")
    backend.answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert statuses(client.received) == [101]
    assert b"Access-Control" not in client.received


def test_a_broken_response_stays_broken(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(FROM_THERE)
    backend.answer(OK[:-2])
    backend.connection.reset()
    assert client.ended is not None
    assert network.in_flight == 0
