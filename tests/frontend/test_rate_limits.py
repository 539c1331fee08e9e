"""Requests that come too often: what they are answered, whom they are counted to, and what they cost nobody else."""

from ipaddress import ip_network

import pytest

from openprequal.forwarding.request_head import RequestRules
from openprequal.limiting.rate_limits import RateRule
from openprequal.testing.memory_transport import Ended, RawConnection
from openprequal.testing.network import MemoryNetwork

GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
TRUSTED = (ip_network("10.0.0.0/8"),)


def network_with(*rules: tuple[str, float, int], trusted: bool = False) -> MemoryNetwork:
    limits = [RateRule(f"rule {number}", *rule) for number, rule in enumerate(rules)]
    return MemoryNetwork(rate_limits=limits, trusted_proxies=TRUSTED if trusted else ())


def ask(network: MemoryNetwork, client: RawConnection, request: bytes = GET) -> int:
    """The status that *request* is answered with; the backend, if it is asked, answers 204."""
    client.news()
    client.send(request)
    if network.in_flight:
        network.backend().answer(NO_CONTENT)
    return int(client.news()[9:12])


def with_field(line: bytes) -> bytes:
    return GET[:-2] + line + b"\r\n\r\n"


def test_beyond_the_burst_it_is_429_and_the_backend_hears_nothing_of_it() -> None:
    network = network_with(("client", 2.0, 3))
    client = network.client()
    assert [ask(network, client) for _ in range(5)] == [204, 204, 204, 429, 429]
    assert network.backend().received.count(b"GET /x") == 3
    assert network.refused == [429, 429]
    assert network.rate_limited == {"rule 0": 2}


def test_the_answer_says_when_to_come_again_in_whole_seconds() -> None:
    network = network_with(("client", 0.1, 1))
    client = network.client()
    ask(network, client)
    client.send(GET)
    assert b"\r\nRetry-After: 10\r\n" in client.received
    assert b"application/problem+json" in client.received
    network.wait(10.0)
    assert ask(network, client) == 204


def test_who_is_to_wait_less_than_a_second_is_told_one() -> None:
    network = network_with(("client", 100.0, 1))
    client = network.client()
    ask(network, client)
    client.send(GET)
    assert b"\r\nRetry-After: 1\r\n" in client.received


def test_the_connection_goes_on() -> None:
    network = network_with(("client", 1.0, 1))
    client = network.client()
    assert [ask(network, client), ask(network, client)] == [204, 429]
    network.wait(1.0)
    assert ask(network, client) == 204
    assert client.ended is None


def test_who_pipelines_beyond_the_limit_is_told_once_and_closed() -> None:
    network = network_with(("client", 1.0, 1))
    client = network.client()
    client.send(GET * 500)
    network.backend().answer(NO_CONTENT)
    assert client.received.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 429 " in client.received
    assert client.ended is Ended.FINISHED


def test_a_body_that_is_refused_ends_the_connection_without_being_read() -> None:
    network = network_with(("client", 1.0, 1))
    client = network.client()
    ask(network, client)
    client.send(b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\nx")
    assert b"HTTP/1.1 429 " in client.received
    assert client.ended is Ended.FINISHED


def test_a_client_is_limited_over_all_its_connections_and_no_other_is() -> None:
    network = network_with(("client", 1.0, 2))
    assert [ask(network, network.client("192.0.2.7")) for _ in range(3)] == [204, 204, 429]
    assert ask(network, network.client("192.0.2.8")) == 204


def test_an_ipv6_network_of_a_site_is_one_client() -> None:
    network = network_with(("client", 1.0, 2))
    assert [ask(network, network.client(f"2001:db8::{number}")) for number in range(1, 4)] == [204, 204, 429]
    assert ask(network, network.client("2001:db8:0:1::1")) == 204


def test_what_an_untrusted_client_says_of_itself_does_not_count() -> None:
    network = network_with(("client", 1.0, 2), trusted=True)
    client = network.client("192.0.2.7")
    requests = [with_field(b"X-Forwarded-For: 198.51.100.%d" % number) for number in range(3)]
    assert [ask(network, client, request) for request in requests] == [204, 204, 429]


def test_behind_a_trusted_proxy_the_client_is_the_one_it_tells() -> None:
    network = network_with(("client", 1.0, 1), trusted=True)
    proxy = network.client("10.0.0.1")
    first, second = with_field(b"X-Forwarded-For: 198.51.100.1"), with_field(b"X-Forwarded-For: 198.51.100.2")
    assert [ask(network, proxy, request) for request in (first, second, first)] == [204, 204, 429]


def test_what_a_client_wrote_before_the_trusted_proxy_does_not_count() -> None:
    network = network_with(("client", 1.0, 1), trusted=True)
    proxy = network.client("10.0.0.1")
    requests = [with_field(b"X-Forwarded-For: 203.0.113.%d, 198.51.100.1" % number) for number in range(2)]
    assert [ask(network, proxy, request) for request in requests] == [204, 429]


def test_a_rule_by_field_counts_each_value_for_itself() -> None:
    network = network_with(("header:X-Api-Key", 1.0, 1))
    client = network.client()
    requests = [with_field(b"x-api-key: " + key) for key in (b"a", b"b", b"a")]
    assert [ask(network, client, request) for request in requests] == [204, 204, 429]


def test_without_the_field_it_is_the_client_that_counts() -> None:
    network = network_with(("header:X-Api-Key", 1.0, 1))
    client = network.client()
    assert [ask(network, client), ask(network, client)] == [204, 429]
    assert ask(network, network.client("192.0.2.99")) == 204


def test_a_rule_for_all_counts_everybody_together() -> None:
    network = network_with(("all", 1.0, 2))
    assert [ask(network, network.client(f"192.0.2.{number}")) for number in range(3)] == [204, 204, 429]


def test_every_rule_must_hold_and_what_one_refuses_does_not_count_for_the_others() -> None:
    network = network_with(("all", 1.0, 3), ("client", 1.0, 1))
    greedy = network.client("192.0.2.7")
    assert [ask(network, greedy) for _ in range(10)] == [204] + [429] * 9
    assert [ask(network, network.client(f"192.0.2.{number}")) for number in range(10, 13)] == [204, 204, 429]
    assert network.rate_limited == {"rule 0": 1, "rule 1": 9}


def test_requests_that_fail_count() -> None:
    network = MemoryNetwork(backends=0, rate_limits=[RateRule("clients", "client", 1.0, 2)])
    client = network.client()
    assert [ask(network, client) for _ in range(3)] == [503, 503, 429]


def test_requests_that_the_client_gives_up_count() -> None:
    network = network_with(("client", 1.0, 2))
    for _ in range(5):
        client = network.client()
        client.send(GET)
        client.reset()
    assert network.backend().received.count(b"GET /x") == 2
    assert network.in_flight == 0


@pytest.mark.parametrize("request_line", [b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n"])
def test_what_goes_to_no_backend_does_not_count(request_line: bytes) -> None:
    network = network_with(("client", 1.0, 1))
    client = network.client()
    assert [ask(network, client, request_line) for _ in range(3)] == [200] * 3


def test_rules_for_heads_and_for_limits_trust_the_same_proxies() -> None:
    network = network_with(("client", 1.0, 9), trusted=True)
    proxy = network.client("10.0.0.1")
    proxy.send(with_field(b"X-Forwarded-For: 198.51.100.1"))
    assert b"X-Forwarded-For: 198.51.100.1, 10.0.0.1\r\n" in network.backend().received
    assert RequestRules(b"x", lambda: b"", trusted_proxies=TRUSTED).is_trusted("::ffff:10.0.0.1")
