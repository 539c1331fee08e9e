"""A client that brings its session's cookie comes to the backend that its session is at."""

from random import Random
from typing import Any

import pytest
from messages import GET, OK, UPGRADE, head, statuses
from twisted.internet.task import Clock

from openprequal.balancing.least_in_flight import LeastInFlight
from openprequal.forwarding.retry import RetryRules
from openprequal.interfaces import BalancerContext
from openprequal.routing.session_cookie import CookieRules, CookieSessions
from openprequal.testing.memory_transport import RawConnection
from openprequal.testing.network import MemoryNetwork
from openprequal.testing.probe_transport import ScriptedProbes


def network(backends: int = 3, **options: Any) -> MemoryNetwork:
    sessions = CookieSessions([b"k" * 32], CookieRules(b"route", max_age_s=60))
    return MemoryNetwork(backends, sessions=sessions, hidden_cookies=(b"route",), **options)


def cookies(received: bytes) -> list[bytes]:
    """Every cookie set so far, as a client sends it back."""
    return [line.partition(b";")[0] for line in received.split(b"Set-Cookie: ")[1:]]


def with_cookie(cookie: bytes, message: bytes = GET) -> bytes:
    return message[:-2] + b"Cookie: " + cookie + b"\r\n\r\n"


def asked(network: MemoryNetwork) -> list[int]:
    """How many requests each backend has had."""
    return [member.picks for member in network.members]


def begun(network: MemoryNetwork, number: int) -> bytes:
    """A session whose backend is that one."""
    client = network.client()
    while not client.received:
        before = asked(network)
        client.send(GET)
        at = next(n for n, (one, two) in enumerate(zip(before, asked(network), strict=True)) if one != two)
        network.backend(at).answer(OK)
        if at != number:
            client = network.client()
    return cookies(client.received)[-1]


def test_the_first_response_of_a_session_sets_the_cookie() -> None:
    net = network()
    client = net.client()
    client.send(GET)
    net.backend(0).answer(OK)
    fields = head(client.received)
    assert b"\r\nSet-Cookie: route=" in fields
    assert fields.count(b"; Path=/; HttpOnly; SameSite=Lax; Max-Age=60\r\n") == 1
    assert b"\r\nCache-Control: private" in fields


def test_all_others_go_where_the_first_went_and_set_none() -> None:
    net = network()
    cookie = begun(net, 1)
    client = net.client()
    for _ in range(5):
        client.send(with_cookie(cookie))
        net.backend(1).answer(OK)
    assert statuses(client.received) == [200] * 5
    assert b"Set-Cookie" not in client.received


@pytest.mark.parametrize(("brought", "left"), [(b"%b", b""), (b"a=b; %b; c=d", b"Cookie: a=b; c=d\r\n")])
def test_the_backend_does_not_see_it(brought: bytes, left: bytes) -> None:
    net = network()
    cookie = begun(net, 1)
    before = len(net.backend(1).received)
    net.client().send(with_cookie(brought % cookie))
    request = net.backend(1).received[before:]
    assert cookie not in request
    assert left in request
    assert request.count(b"Cookie") == bool(left)


@pytest.mark.parametrize("cookie", [b"route=", b"route=forged", b"route=\xff;=;;", b"route"])
def test_one_that_we_did_not_make_begins_a_new_session(cookie: bytes) -> None:
    net = network()
    client = net.client()
    client.send(with_cookie(cookie))
    net.backend(0).answer(OK)
    assert len(cookies(client.received)) == 1


def test_a_session_whose_backend_is_down_moves_and_is_told() -> None:
    net = network()
    cookie, other = begun(net, 1), begun(net, 2)
    net.service.down(net.members[1].backend)
    net.service.down(net.members[0].backend)
    client = net.client()
    client.send(with_cookie(cookie))
    net.backend(2).answer(OK)
    assert cookies(client.received) == [other]


def test_one_whose_backend_refuses_moves_too() -> None:
    net = network()
    cookie = begun(net, 1)
    net.backend(1).connection.close()
    net.backend(1).refuse()
    client = net.client()
    client.send(with_cookie(cookie))
    at = next(number for number, member in enumerate(net.members) if member.in_flight)
    assert at != 1
    net.backend(at).answer(OK)
    assert len(cookies(client.received)) == 1
    assert net.in_flight == 0


def test_a_retry_after_a_break_goes_elsewhere() -> None:
    net = network(retries=RetryRules(attempts=1))
    cookie = begun(net, 1)
    net.backend(1).connection.close()
    client = net.client()
    client.send(with_cookie(cookie))
    net.backend(1).connection.reset()
    at = next(number for number, member in enumerate(net.members) if member.in_flight)
    assert at != 1
    net.backend(at).answer(OK)
    assert statuses(client.received) == [200]
    assert len(cookies(client.received)) == 1


def test_a_failed_response_begins_no_session() -> None:
    net = network()
    client = net.client()
    client.send(GET)
    net.backend(0).answer(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
    assert statuses(client.received) == [500]
    assert b"Set-Cookie" not in client.received


def test_a_session_waits_for_its_backend() -> None:
    net = network(max_in_flight=1, queue_max=1)
    cookie = begun(net, 1)
    first, second = net.client(), net.client()
    first.send(with_cookie(cookie))
    second.send(with_cookie(cookie))
    assert (net.in_flight, net.service.queued) == (1, 1)
    net.backend(1).answer(OK)
    net.backend(1).answer(OK)
    assert statuses(second.received) == [200]
    assert net.in_flight == 0


def test_a_tunnel_begins_a_session_too() -> None:
    net = network()
    client = net.client()
    client.send(UPGRADE)
    net.backend(0).answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert statuses(client.received) == [101]
    assert len(cookies(client.received)) == 1


def test_the_cookie_of_a_client_that_came_by_tls_is_secure() -> None:
    net = network(scheme=b"https")
    client = net.client()
    client.send(GET)
    net.backend(0).answer(OK)
    assert b"; Secure\r\n" in client.received


def test_what_a_client_says_of_tls_by_itself_is_not_believed() -> None:
    net = network()
    client = net.client()
    client.send(GET[:-2] + b"X-Forwarded-Proto: https\r\n\r\n")
    net.backend(0).answer(OK)
    assert b"Secure" not in client.received


def test_new_sessions_avoid_a_backend_that_is_busy_with_those_it_has() -> None:
    clock = Clock()
    balancer = LeastInFlight(BalancerContext(clock, Random(1), ScriptedProbes(clock), {}))
    net = network(2, balancer=balancer, clock=clock)
    cookie = begun(net, 0)
    waiting: list[RawConnection] = []
    for _ in range(20):
        waiting.append(net.client())
        waiting[-1].send(with_cookie(cookie))
    before = asked(net)
    for _ in range(20):
        net.client().send(GET)
    assert [two - one for one, two in zip(before, asked(net), strict=True)] == [0, 20]
