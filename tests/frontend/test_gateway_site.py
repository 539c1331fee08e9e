"""How many connections there may be, and which requests are answered without a backend."""

from ipaddress import ip_network

import pytest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from openprequal.testing.memory_transport import Ended, RawConnection
from openprequal.testing.network import MemoryNetwork

GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def status(client: RawConnection) -> int:
    return int(client.received[9:12])


def is_turned_away(client: RawConnection) -> bool:
    """True if *client* is told that there are too many connections, and closed."""
    client.send(b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n")
    return (
        status(client) in (429, 503) and b"\r\nRetry-After: 1\r\n" in client.received and client.ended is Ended.FINISHED
    )


def test_one_too_many_that_does_not_ask_is_closed_in_the_end() -> None:
    network = MemoryNetwork(max_connections=1)
    network.client()
    silent = network.client()
    network.wait(5.0)
    assert silent.ended is not None


def test_no_more_connections_than_allowed() -> None:
    network = MemoryNetwork(max_connections=2)
    first = network.client()
    network.client()
    assert is_turned_away(network.client())
    first.close()
    assert not is_turned_away(network.client())


@pytest.mark.parametrize("host", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"])
def test_no_more_connections_of_one_client_than_allowed(host: str) -> None:
    network = MemoryNetwork(max_connections_per_client=2)
    first = network.client(host)
    network.client(host)
    assert is_turned_away(network.client(host))
    assert not is_turned_away(network.client("192.0.2.99"))
    first.close()
    assert not is_turned_away(network.client(host))


def test_a_client_with_too_many_connections_is_told_that_it_is_its_own_fault() -> None:
    network = MemoryNetwork(max_connections_per_client=1)
    network.client()
    second = network.client()
    second.send(GET)
    assert status(second) == 429
    assert network.refused == [429]
    assert network.turned_away == {"max_connections_per_client": 1}


def test_an_ipv6_network_of_a_site_is_one_client() -> None:
    network = MemoryNetwork(max_connections_per_client=2)
    network.client("2001:db8::1")
    network.client("2001:db8::2")
    assert is_turned_away(network.client("2001:db8::3"))
    assert not is_turned_away(network.client("2001:db8:0:1::3"))


def test_a_trusted_proxy_may_have_as_many_connections_as_it_likes() -> None:
    network = MemoryNetwork(max_connections_per_client=1, trusted_proxies=(ip_network("192.0.2.0/24"),))
    network.client("192.0.2.7")
    assert not is_turned_away(network.client("192.0.2.7"))


def test_so_it_may_if_others_of_its_ipv6_network_have_all_of_theirs() -> None:
    network = MemoryNetwork(max_connections_per_client=1, trusted_proxies=(ip_network("2001:db8::1/128"),))
    network.client("2001:db8::2")
    assert not is_turned_away(network.client("2001:db8::1"))
    assert is_turned_away(network.client("2001:db8::3"))


def test_clients_are_forgotten_with_their_last_connection() -> None:
    network = MemoryNetwork(max_connections_per_client=2)
    for number in range(200):
        network.client(f"198.51.100.{number}").close()
    assert not network.site.connections
    assert not network.site._room._per_client


# ---- who makes room -------------------------------------------------------------------------------------------------


def test_when_there_is_no_room_the_connection_idle_longest_makes_some() -> None:
    network = MemoryNetwork(max_connections=3)
    clients = []
    for _ in range(3):
        clients.append(network.client())
        clients[-1].send(GET)
        network.backend().answer(OK)
        network.wait(1.0)
    clients[0].send(GET)
    network.backend().answer(OK)
    network.wait(1.5)
    newcomer = network.client()
    network.clock.advance(0)
    assert [client.ended for client in clients] == [None, Ended.FINISHED, None]
    assert not is_turned_away(newcomer)
    assert network.cut == {"room": 1}
    assert len(network.site.connections) == 3


@pytest.mark.parametrize("sent", [b"", GET[:-2]], ids=["nothing", "a head without end"])
def test_one_that_has_asked_for_nothing_makes_room_before_others_however_long_they_idle(sent: bytes) -> None:
    network = MemoryNetwork(max_connections=2)
    honest = network.client()
    honest.send(GET)
    network.backend().answer(OK)
    network.wait(5.0)
    hostile = network.client()
    hostile.send(sent)
    network.wait(1.5)
    assert not is_turned_away(network.client())
    network.clock.advance(0)
    assert honest.ended is None
    assert hostile.ended is not None


def test_a_connection_that_was_just_used_makes_no_room_because_a_request_may_be_on_its_way() -> None:
    network = MemoryNetwork(max_connections=1)
    client = network.client()
    client.send(GET)
    network.backend().answer(OK)
    assert is_turned_away(network.client())
    assert client.ended is None
    assert network.turned_away == {"max_connections": 1}


def test_a_connection_with_a_request_under_way_makes_no_room() -> None:
    network = MemoryNetwork(max_connections=1)
    client = network.client()
    client.send(GET)
    network.wait(5.0)
    assert is_turned_away(network.client())
    network.backend().answer(OK)
    assert client.received.endswith(b"ok")


def test_one_that_asks_again_after_it_was_found_spare_makes_no_room() -> None:
    network = MemoryNetwork(max_connections=2)
    first = network.client()
    network.wait(0.1)
    second = network.client()
    network.wait(1.2)
    newcomer = network.client()
    second.send(GET)
    assert is_turned_away(network.client())
    network.backend().answer(OK)
    assert second.received.endswith(b"ok")
    assert first.ended is not None
    assert newcomer.ended is None


# ---- answered here --------------------------------------------------------------------------------------------------


def test_connect_is_refused() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert status(client) == 501
    assert network.backend().dialled == 0


def test_trace_that_may_go_no_further_is_answered_without_its_secrets() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(b"TRACE /x HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\nCookie: secret\r\nX-A: 1\r\n\r\n")
    assert status(client) == 200
    assert b"Content-Type: message/http\r\n" in client.received
    assert b"TRACE /x HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\nX-A: 1\r\n" in client.received
    assert b"secret" not in client.received
    assert network.backend().dialled == 0


def test_options_that_may_go_no_further_is_answered() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n" + GET)
    assert status(client) == 200
    assert b"\r\nAllow: GET" in client.received
    assert network.backend().received.startswith(b"GET /x")


def test_options_that_may_go_further_goes_one_step_less_far() -> None:
    network = MemoryNetwork()
    network.client().send(b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 2\r\n\r\n")
    assert b"Max-Forwards: 1\r\n" in network.backend().received


def test_a_body_with_a_request_answered_here_ends_the_connection() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\nContent-Length: 5\r\n\r\nhe")
    assert status(client) == 200
    assert client.ended is Ended.FINISHED
    client.send(b"llo" + GET)
    assert network.backend().dialled == 0


# ---- the gateway's own paths ----------------------------------------------------------------------------------------


class Echo(Resource):
    """Answers with what it was sent; what ends in "later" when the test says so."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Request] = []
        self.gone: list[object] = []

    def render(self, request: Request) -> bytes | int:
        if request.path.endswith(b"later"):
            self.waiting.append(request)
            request.notifyFinish().addErrback(self.gone.append)
            return NOT_DONE_YET
        content = request.content.read()  # type: ignore[union-attr]
        return b"%b %b %b" % (request.method, request.uri, content)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def network(echo: Echo) -> MemoryNetwork:
    site = Site(echo)
    site.noisy = False
    return MemoryNetwork(admin=site)


@pytest.mark.parametrize("path", [b"/metrics", b"/register", b"/backends", b"/healthz?x=y", b"/_openprequal/later-on"])
def test_the_gateways_own_paths_are_answered_by_its_resource(network: MemoryNetwork, path: bytes) -> None:
    client = network.client()
    client.send(GET.replace(b"/x", path))
    assert status(client) == 200
    assert client.received.endswith(b"GET " + path + b" ")
    assert network.backend().dialled == 0


@pytest.mark.parametrize("path", [b"/metrics/", b"/Metrics", b"//metrics", b"/%6detrics", b"/registered", b"/"])
def test_similar_paths_are_proxied(network: MemoryNetwork, path: bytes) -> None:
    network.client().send(GET.replace(b"/x", path))
    assert network.backend().received.startswith(b"GET " + path)


def test_without_a_resource_of_ours_all_paths_are_proxied() -> None:
    network = MemoryNetwork()
    network.client().send(GET.replace(b"/x", b"/metrics"))
    assert network.backend().dialled == 1


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
)
def test_our_resource_gets_the_body_however_it_is_cut(network: MemoryNetwork, framing: bytes) -> None:
    request = b"POST /register HTTP/1.1\r\nHost: a.test\r\n" + framing
    for cut in range(len(request)):
        client = network.client()
        client.send(request, cuts=[cut])
        assert client.received.endswith(b"POST /register hello")


def test_a_body_too_large_for_our_resource_is_413(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(b"POST /register HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000)
    assert status(client) == 413
    assert client.ended is Ended.FINISHED


def test_a_body_for_our_resource_that_does_not_come_is_408(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(b"POST /register HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhe")
    network.wait(11)
    assert status(client) == 408
    assert client.ended is Ended.FINISHED


def test_a_late_answer_of_our_resource_is_followed_by_the_next_request(network: MemoryNetwork, echo: Echo) -> None:
    client = network.client()
    client.send(GET.replace(b"/x", b"/_openprequal/later") + GET)
    assert client.received == b""
    echo.waiting[0].write(b"at last")
    echo.waiting[0].finish()
    network.clock.advance(0)
    assert b"7\r\nat last\r\n0\r\n\r\n" in client.received
    assert network.backend().received.startswith(b"GET /x")


def test_a_client_that_goes_is_told_to_our_resource(network: MemoryNetwork, echo: Echo) -> None:
    client = network.client()
    client.send(GET.replace(b"/x", b"/_openprequal/later"))
    client.close()
    assert len(echo.gone) == 1


def test_head_of_our_resource_has_no_content(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(b"HEAD" + GET[3:].replace(b"/x", b"/metrics"))
    assert client.received.endswith(b"\r\n\r\n")
    assert client.received.count(b"\r\n\r\n") == 1


def test_one_too_many_may_still_send_a_heartbeat_but_nothing_else(echo: Echo) -> None:
    network = MemoryNetwork(admin=Site(echo), max_connections=1)
    network.client()
    beating, other = network.client(), network.client()
    beating.send(b"POST /register HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n{}")
    assert status(beating) == 200
    assert b"\r\nConnection: close\r\n" in beating.received
    other.send(GET)
    assert status(other) == 503
