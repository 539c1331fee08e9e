"""Whatever backends do, under every balancer: each client learns how it ended, and no count is left over.

Each misbehaviour by itself is in ``tests/forwarding``; here they come together, with probes and health checks, and go.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from whole_gateway import FarBackend, WholeGateway, answer, status

from openprequal.balancing.catalogue import BALANCERS
from openprequal.testing.memory_transport import Ended, RawConnection

SETTINGS: dict[str, Any] = {
    "connect_timeout_seconds": 1.0,
    "response_timeout_seconds": 4.0,
    "stall_timeout_seconds": 4.0,
    "total_timeout_seconds": 20.0,
    "backend_max_in_flight": 4,
    "queue_max": 4,
    "health_interval_seconds": 2.0,
    "health_timeout_seconds": 1.0,
}
OK = b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=1, latency=0.01\r\nContent-Length: 5\r\n\r\nhello"
CLEAR = {200, 502, 503, 504}
"""What a client may be told: an answer, or that a backend broke, is missing, or took too long."""


def serve(backend: FarBackend, rng: Random) -> None:
    backend.accepts = True
    backend.answer_all(OK)


def hang(backend: FarBackend, rng: Random) -> None:
    """Stopped: the kernel still takes connections, nobody answers."""
    backend.accepts = True


def leave_connects_unanswered(backend: FarBackend, rng: Random) -> None:
    backend.accepts = None


def refuse(backend: FarBackend, rng: Random) -> None:
    backend.accepts = False
    for connection in _open(backend):
        connection.reset()


def break_in_the_body(backend: FarBackend, rng: Random) -> None:
    backend.accepts = True
    for connection in _open(backend):
        if connection.news():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhel")
            connection.reset()


def drip(backend: FarBackend, rng: Random) -> None:
    """A byte now and then, for ever."""
    backend.accepts = True
    for connection in _open(backend):
        if connection.news():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        elif connection.received:
            connection.send(b"x")


def lie(backend: FarBackend, rng: Random) -> None:
    """It is idle, draining, out of its mind."""
    backend.accepts = True
    said = rng.choice(
        (b"rif=0, latency=0.0", b"rif=-1", b"rif=1e400", b"rif=nan, latency=inf", b"rif=0, state=draining", b"\xff;;,=")
    )
    backend.answer_all(b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: " + said + b"\r\nContent-Length: 0\r\n\r\n")


def babble(backend: FarBackend, rng: Random) -> None:
    """Answers that nobody asked for, and what is no HTTP."""
    backend.accepts = True
    for connection in _open(backend):
        connection.send(rng.choice((OK, b"\x00\xff\r\n\r\n", OK + OK)))


WAYS: list[Callable[[FarBackend, Random], None]] = [
    *(serve, hang, leave_connects_unanswered, refuse, break_in_the_body, drip, lie, babble)
]


def _open(backend: FarBackend) -> list[RawConnection]:
    return [connection for connection in backend.connections if connection.ended is None]


def serve_all(whole: WholeGateway) -> None:
    for _ in range(3):
        for backend in whole.backends:
            serve(backend, Random(0))
        whole.wait(0)


def recover(whole: WholeGateway) -> None:
    """All backends serve again, on new connections: what the old ones had begun cannot be made up for."""
    for backend in whole.backends:
        refuse(backend, Random(0))
        backend.accepts = True
    for _ in range(40):
        whole.wait(0.25)
        serve_all(whole)


def assert_nothing_is_left(whole: WholeGateway, clients: list[RawConnection]) -> None:
    for client in clients:
        assert status(client) in CLEAR, client.received
        if b"Content-Length: 1000" in client.received:
            # A response that broke is cut, so that nobody takes it for whole.
            assert client.ended is not None
    rows = whole.rows
    assert [row["in_flight"] for row in rows] == [0] * len(whole.backends), rows
    assert all(row["up"] for row in rows), rows


@pytest.mark.parametrize("balancer", sorted(BALANCERS))
def test_after_any_mixture_of_misbehaviour_all_is_as_before(balancer: str) -> None:
    rng = Random(balancer)
    whole = WholeGateway(3, load_balancer_class=balancer, **SETTINGS)
    clients = []
    ways = [serve] * 3
    for step in range(60):
        if step % 5 == 0:
            ways = [rng.choice(WAYS) for _ in ways]
        clients += [whole.get(f"/{step}/{number}") for number in range(rng.randrange(3))]
        if clients and rng.random() < 0.1:
            clients.pop(rng.randrange(len(clients))).reset()
        for backend, misbehave in zip(whole.backends, ways, strict=True):
            misbehave(backend, rng)
        whole.wait(rng.choice((0, 0.05, 0.3)))
    recover(whole)
    whole.wait(25)
    recover(whole)
    assert_nothing_is_left(whole, clients)
    last = whole.get()
    serve_all(whole)
    assert status(last) == 200
    whole.end()
    assert whole.stopped


@pytest.mark.parametrize("misbehave", WAYS[1:], ids=lambda way: way.__name__)
def test_a_backend_that_flaps_costs_its_own_requests_at_most(misbehave: Callable[[FarBackend, Random], None]) -> None:
    rng, whole = Random(1), WholeGateway(2, **SETTINGS)
    good, bad = whole.backends
    clients = []
    for step in range(80):
        clients.append(whole.get())
        # The paths do not tell whose turn it is: what the good one got, it answers.
        serve(good, rng)
        (serve if step // 20 % 2 else misbehave)(bad, rng)
        whole.wait(0.1)
    recover(whole)
    whole.wait(25)
    recover(whole)
    assert_nothing_is_left(whole, clients)
    assert sum(status(client) == 200 for client in clients) > len(clients) / 2
    whole.end()


@pytest.mark.parametrize("jump_s", [60.0, 86_400.0])
def test_when_the_clock_jumps_what_was_under_way_times_out_and_all_goes_on(jump_s: float) -> None:
    whole = WholeGateway(2, **SETTINGS)
    clients = [whole.get() for _ in range(4)]
    whole.reactor.advance(jump_s)
    whole.wait(1)
    assert {status(client) for client in clients} == {504}
    recover(whole)
    assert_nothing_is_left(whole, clients)
    last = whole.get()
    serve_all(whole)
    assert status(last) == 200
    whole.end()


def test_a_liar_that_looks_idle_and_hangs_does_not_get_everything() -> None:
    whole = WholeGateway(2, response_timeout_seconds=60.0, health_interval_seconds=60.0)
    liar, good = whole.backends
    for _ in range(40):
        whole.get()
        good.answer_all(b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=5, latency=0.1\r\nContent-Length: 0\r\n\r\n")
        for connection in _open(liar):
            # It answers probes and checks, and no request.
            if b"GET /healthz" in connection.news():
                connection.send(b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=0, latency=0\r\nContent-Length: 0\r\n\r\n")
        whole.wait(0.1)
    in_flight = {row["url"]: row["in_flight"] for row in whole.rows}
    assert in_flight[liar.url] < 20, in_flight
    whole.end()


class NoNames:
    """A name server that is away."""

    def resolveHostName(self, receiver: Any, name: str, *_: object, **__: object) -> Any:
        receiver.resolutionBegan(None)
        receiver.resolutionComplete()
        return receiver


def test_a_backend_whose_name_has_no_address_is_not_picked_and_says_why() -> None:
    whole = WholeGateway()
    whole.reactor.nameResolver = NoNames()
    assert whole.post("/register", {"url": "http://away.test:80"})[0] == 200
    assert whole.post("/unregister", {"url": whole.backends[0].url})[0] == 200
    whole.wait(1)
    client = whole.get()
    assert answer(client)[0] == 503
    (row,) = whole.rows
    assert not row["up"]
    assert "away.test has no address" in row["reason"]
    assert row["in_flight"] == 0
    whole.end()


def test_a_client_cut_by_a_broken_body_sees_that_it_is_not_whole() -> None:
    whole = WholeGateway(**SETTINGS)
    client = whole.get()
    break_in_the_body(whole.backends[0], Random(0))
    assert client.ended in (Ended.FINISHED, Ended.RESET)
    assert b"Content-Length: 1000" in client.received
    assert whole.row["in_flight"] == 0
    whole.end()
