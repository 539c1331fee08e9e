"""Who may call the admin API."""

import hmac
from ipaddress import IPv4Network

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.protocols.haproxy._wrapper import HAProxyProtocolWrapper, HAProxyWrappingFactory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.http_headers import Headers

from openprequal.admin.access import AccessRules, told_by_proxy_protocol

V4 = IPv4Address("TCP", "127.0.0.1", 4)
RULES = AccessRules(lambda: ["s3cret"])
LOCAL = {"Host": ["localhost:8000"]}


def admit(
    peer: object = V4, headers: dict[str, list[str]] = LOCAL, proxied: bool = False, rules: AccessRules = RULES
) -> bool:
    return rules.objection(peer, proxied, Headers(headers)) is None


@pytest.mark.parametrize(
    "peer",
    [
        V4,
        IPv4Address("TCP", "127.8.9.10", 4),
        IPv6Address("TCP", "::1", 4),
        IPv6Address("TCP", "::ffff:127.0.0.1", 4),
    ],
)
def test_a_loopback_peer_needs_no_token(peer: object) -> None:
    assert admit(peer)


@pytest.mark.parametrize(
    "peer",
    [
        IPv4Address("TCP", "192.0.2.1", 4),
        IPv4Address("TCP", "10.0.0.1", 4),
        IPv4Address("UDP", "127.0.0.1", 4),
        IPv6Address("TCP", "::", 4),
        IPv6Address("TCP", "::ffff:10.0.0.1", 4),
        IPv6Address("TCP", "fe80::1%eth0", 4),
        IPv4Address("TCP", "localhost", 4),
        UNIXAddress(b"/run/gateway.sock"),
        UNIXAddress(None),
        None,
        "127.0.0.1",
    ],
)
def test_any_other_peer_needs_the_token(peer: object) -> None:
    assert not admit(peer)
    assert admit(peer, {**LOCAL, "Authorization": ["Bearer s3cret"]})


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.1.2.3:8000", "[::1]", "[::1]:8000"])
def test_a_local_host_is_local(host: str) -> None:
    assert admit(headers={"Host": [host]})


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["gateway.test"],
        ["localhost.evil.test"],
        ["localhost."],
        ["localhost@evil.test"],
        ["127.0.0.1.evil.test"],
        ["127.0.0.256"],
        ["127.0.1"],
        ["127.0.0.1:80:80"],
        ["10.0.0.1"],
        ["::1"],
        ["[::2]"],
        ["localhost", "localhost"],
    ],
)
def test_any_other_host_needs_the_token(hosts: list[str]) -> None:
    assert not admit(headers={"Host": hosts})


@pytest.mark.parametrize(
    "name", ["Origin", "Via", "Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Anything"]
)
def test_what_was_relayed_or_comes_from_a_page_needs_the_token(name: str) -> None:
    assert not admit(headers={**LOCAL, name: [""]})
    assert admit(headers={**LOCAL, name: [""], "Authorization": ["Bearer s3cret"]})


def test_a_peer_known_by_hearsay_needs_the_token() -> None:
    assert not admit(proxied=True)
    assert admit(proxied=True, headers={**LOCAL, "Authorization": ["Bearer s3cret"]})


def test_loopback_is_not_trusted_where_that_was_switched_off() -> None:
    strict = AccessRules(lambda: ["s3cret"], trust_loopback=False)
    assert not admit(rules=strict)
    assert admit(rules=strict, headers={**LOCAL, "Authorization": ["bearer s3cret"]})


@pytest.mark.parametrize(
    "values",
    [
        ["Bearer wrong"],
        ["Bearer s3cre"],
        ["Bearer s3crets"],
        ["Bearer"],
        ["Bearer "],
        ["s3cret"],
        ["Basic s3cret"],
        ["Bearer S3CRET"],
        ["Bearer \xe9"],
        ["Bearer s3cret", "Bearer s3cret"],
    ],
)
def test_another_token_opens_nothing(values: list[str]) -> None:
    assert not admit(None, {**LOCAL, "Authorization": values})


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer None"])
def test_where_there_is_no_token_none_opens_anything(value: str) -> None:
    assert not admit(None, {**LOCAL, "Authorization": [value]}, rules=AccessRules())


@pytest.mark.parametrize("token", ["old", "new"])
def test_any_of_several_tokens_opens(token: str) -> None:
    both = AccessRules(lambda: ["old", "new"])
    assert admit(None, {**LOCAL, "Authorization": [f"Bearer {token}"]}, rules=both)


def test_every_token_is_compared_whichever_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append(len(other)) or real(one, other))
    assert admit(None, {"Authorization": ["Bearer a"]}, rules=AccessRules(lambda: ["a", "bb", "a-longer-one"]))
    assert compared == [32, 32, 32]


TOKEN = {**LOCAL, "Authorization": ["Bearer s3cret"]}


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        (IPv4Address("TCP", "10.1.2.3", 4), True),
        (IPv6Address("TCP", "::ffff:10.1.2.3", 4), True),
        (IPv4Address("TCP", "192.0.2.1", 4), False),
        (IPv6Address("TCP", "2001:db8::1", 4), False),
        (UNIXAddress(b"/run/gateway.sock"), True),
        (None, False),
    ],
)
def test_a_caller_with_the_token_must_be_in_the_networks(peer: object, admitted: bool) -> None:
    inside = AccessRules(lambda: ["s3cret"], networks=(IPv4Network("10.0.0.0/8"),))
    assert admit(peer, TOKEN, rules=inside) is admitted


def test_loopback_that_is_trusted_is_in_no_network() -> None:
    assert admit(rules=AccessRules(networks=()))


def test_the_token_is_not_shown() -> None:
    assert "s3cret" not in repr(RULES)


def test_a_plain_transport_knows_its_peer() -> None:
    assert not told_by_proxy_protocol(StringTransport())


def test_a_wrapped_plain_transport_knows_its_peer() -> None:
    wrapper = ProtocolWrapper(WrappingFactory(Factory()), Protocol())
    wrapper.makeConnection(StringTransport())
    assert not told_by_proxy_protocol(wrapper)


def test_the_proxy_protocol_is_found_under_another_wrapper() -> None:
    inner = HAProxyProtocolWrapper(HAProxyWrappingFactory(Factory()), Protocol())
    inner.makeConnection(StringTransport())
    outer = ProtocolWrapper(WrappingFactory(Factory()), Protocol())
    outer.makeConnection(inner)
    assert told_by_proxy_protocol(outer)


def test_a_peer_without_a_transport_is_not_believed() -> None:
    assert told_by_proxy_protocol(None)


OWN = AccessRules(lambda: ["s3cret"], own_origin=True)


def test_a_page_of_the_proxied_port_needs_the_token_since_any_backend_may_have_sent_it() -> None:
    page = {**LOCAL, "Origin": ["http://localhost:8000"], "Sec-Fetch-Site": ["same-origin"]}
    assert not admit(headers=page)
    assert admit(headers={**page, "Authorization": ["Bearer s3cret"]})


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_page_of_listeners_of_our_own_speaks_for_itself(scheme: str) -> None:
    page = {**LOCAL, "Origin": [f"{scheme}://localhost:8000"], "Sec-Fetch-Site": ["same-origin"]}
    assert admit(headers=page, rules=OWN)


@pytest.mark.parametrize(
    "origins",
    [["http://localhost:9000"], ["http://evil.test"], ["null"], ["http://localhost:8000", "http://localhost:8000"]],
)
def test_another_origins_page_needs_the_token_even_there(origins: list[str]) -> None:
    assert not admit(headers={**LOCAL, "Origin": origins}, rules=OWN)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_fetches_for_another_site_needs_the_token(site: str) -> None:
    assert not admit(headers={**LOCAL, "Sec-Fetch-Site": [site]}, rules=OWN)
    assert not admit(headers={**LOCAL, "Sec-Fetch-Site": [site]})


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_a_browser_reads_here_by_itself_needs_none(site: str) -> None:
    assert admit(headers={**LOCAL, "Sec-Fetch-Site": [site]})


def test_the_page_is_for_whoever_might_have_a_token() -> None:
    rules = AccessRules(networks=(IPv4Network("10.0.0.0/8"),))
    peers = ("10.1.2.3", "127.0.0.1", "192.0.2.1")
    assert [rules.objection_to_page(IPv4Address("TCP", peer, 4)) is None for peer in peers] == [True, True, False]
