"""A backend that leaves, and a gateway that ends, take nothing new and finish what they have."""

from collections.abc import Callable, Iterator

import pytest
from whole_gateway import OK, SWITCHING, UPGRADE, WholeGateway, answer, status

from openprequal.testing.memory_transport import Ended

DRAINING = b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=1, state=draining\r\nContent-Length: 0\r\n\r\n"
NOT_NOW = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def whole() -> Iterator[WholeGateway]:
    whole = WholeGateway(shutdown_grace_seconds=5.0, idle_timeout_seconds=1000.0)
    yield whole
    whole.end()


def by_unregister(whole: WholeGateway) -> None:
    assert whole.post("/unregister", {"url": whole.backends[0].url})[0] == 200


def by_heartbeat(whole: WholeGateway) -> None:
    load = {"rif": 1, "state": "draining"}
    assert whole.post("/register", {"url": whole.backends[0].url, "load": load})[0] == 200


def by_response(whole: WholeGateway) -> None:
    last = whole.get("/last")
    whole.backends[0].connections[-1].send(DRAINING)
    assert status(last) == 200


def by_health_path(whole: WholeGateway) -> None:
    for _ in range(140):
        whole.wait(0.05)
        for connection in whole.backends[0].connections:
            if b"GET /healthz" in connection.news():
                connection.send(NOT_NOW)


WAYS = [by_unregister, by_heartbeat, by_response, by_health_path]


@pytest.mark.parametrize("leave", WAYS)
def test_a_backend_that_leaves_finishes_its_requests_and_gets_no_other(
    leave: Callable[[WholeGateway], None], whole: WholeGateway
) -> None:
    client = whole.get("/under-way")
    its = whole.backend
    its.news()
    leave(whole)
    assert status(whole.get("/new")) == 503
    its.send(OK)
    assert client.received.endswith(b"hello")
    assert sum(row["in_flight"] for row in whole.rows) == 0
    assert b"/new" not in b"".join(connection.received for connection in whole.backends[0].connections)


@pytest.mark.parametrize("leave", WAYS)
def test_a_tunnel_to_a_backend_that_leaves_goes_on(leave: Callable[[WholeGateway], None], whole: WholeGateway) -> None:
    client = whole.client()
    client.send(UPGRADE)
    whole.wait(0)
    its = whole.backend
    its.send(SWITCHING)
    leave(whole)
    its.send(b"from the backend")
    client.send(b"from the client")
    assert client.received.endswith(b"from the backend")
    assert its.received.endswith(b"from the client")


def test_from_the_signal_on_the_gateway_is_not_ready_and_every_response_is_its_connections_last(
    whole: WholeGateway,
) -> None:
    client = whole.get("/under-way")
    whole.stop()
    asks = whole.get("/readyz")
    assert answer(asks)[0] == 503
    assert b"Connection: close" in asks.received
    whole.backend.send(OK)
    assert b"Connection: close" in client.received
    assert client.ended is Ended.FINISHED
    whole.wait(2)
    assert whole.stopped


def test_a_tunnel_has_the_grace_time_and_no_more(whole: WholeGateway) -> None:
    client = whole.client()
    client.send(UPGRADE)
    whole.wait(0)
    its = whole.backend
    its.send(SWITCHING)
    whole.stop()
    whole.wait(4.5)
    its.send(b"still here")
    assert client.received.endswith(b"still here")
    assert not whole.stopped
    whole.wait(1)
    assert client.ended is not None
    assert its.ended is not None
    assert whole.stopped


def test_a_request_on_its_way_when_the_signal_comes_is_answered(whole: WholeGateway) -> None:
    kept = whole.get("/first")
    whole.backend.send(OK)
    whole.stop()
    whole.wait(0.5)
    kept.send(b"GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n")
    whole.wait(0)
    whole.backend.send(OK)
    assert kept.received.count(b"HTTP/1.1 200") == 2
    assert kept.ended is Ended.FINISHED
