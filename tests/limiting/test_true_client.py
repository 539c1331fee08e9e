"""Who the client is, whoever stands in front and whatever the client says of itself."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.limiting.true_client import client_network, true_client
from openprequal.networks import is_within

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def request(peer: str, *forwarded: str) -> RequestHead:
    lines = "".join(f"X-Forwarded-For: {value}\r\n" for value in forwarded)
    return parse_request_head(f"GET / HTTP/1.1\r\nHost: a\r\n{lines}".encode().removesuffix(b"\r\n"), peer)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.1",), "192.0.2.1"),
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("203.0.113.9, 198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("203.0.113.9", "198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", ("198.51.100.1, 10.0.0.2, fd00::7",), "198.51.100.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1, ",), "10.0.0.1"),
        ("10.0.0.1", ("unknown",), "unknown"),
        ("10.0.0.1", ("198.51.100.1:4711",), "198.51.100.1"),
        ("10.0.0.1", ("[2001:db8::1]:4711",), "2001:db8::1"),
        ("10.0.0.1", ("2001:db8::1",), "2001:db8::1"),
    ],
)
def test_the_client_is_the_last_that_no_proxy_of_ours_is(peer: str, forwarded: tuple[str, ...], client: str) -> None:
    assert true_client(TRUSTED)(request(peer, *forwarded)) == client


@given(st.binary(max_size=300))
def test_whatever_a_proxy_tells_is_short_and_raises_nothing(value: bytes) -> None:
    head = request("10.0.0.1")
    head.head_fields.append(type(head.head_fields[0])(b"X-Forwarded-For", value))
    assert len(client_network(true_client(TRUSTED)(head))) <= 48


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:0db8:0:0:ffff:1:2:3", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a:b", "a:b"),
    ],
)
def test_one_client_is_an_address_or_an_ipv6_network(client: str, network: str) -> None:
    assert client_network(client) == network


@pytest.mark.parametrize(
    ("client", "trusted"),
    [("10.1.2.3", True), ("fd00::1", True), ("::ffff:10.1.2.3", True), ("11.0.0.1", False), ("", False), ("x", False)],
)
def test_trusted_is_who_is_in_one_of_the_networks(client: str, trusted: bool) -> None:
    assert is_within(client, TRUSTED) is trusted
