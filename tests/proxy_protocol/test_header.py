"""What a PROXY header says, in either version; and that nothing else passes for one."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from openprequal.proxy_protocol.header import (
    SIGNATURE,
    InvalidProxyHeader,
    ProxyHeader,
    block_of,
    line_of,
    read_proxy_header,
)

CLIENT = IPv4Address("TCP", "192.0.2.7", 40000)
BALANCER = IPv4Address("TCP", "198.51.100.1", 443)
CLIENT6 = IPv6Address("TCP", "2001:db8::7", 40000)
BALANCER6 = IPv6Address("TCP", "2001:db8::1", 443)
FOUR = struct.pack("!4s4sHH", bytes((192, 0, 2, 7)), bytes((198, 51, 100, 1)), 40000, 443)


def block(command: int = 0x21, family: int = 0x11, content: bytes = FOUR) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(content)) + content


def read(data: bytes) -> ProxyHeader:
    """The header that is all of *data*."""
    result = read_proxy_header(data)
    assert result is not None
    header, length = result
    assert length == len(data)
    return header


def read_or_refused(data: bytes) -> tuple[ProxyHeader, int] | str | None:
    """What reading *data* comes to; a text: why it is refused."""
    try:
        return read_proxy_header(data)
    except InvalidProxyHeader as error:
        return str(error)


@pytest.mark.parametrize(
    ("data", "source", "destination"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n", CLIENT, BALANCER),
        (b"PROXY TCP6 2001:db8::7 2001:DB8:0::1 40000 443\r\n", CLIENT6, BALANCER6),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 40000 443\r\n", CLIENT, BALANCER),
        (block(), CLIENT, BALANCER),
        (block(content=FOUR + b"\x01\x00\x02h2\x04\x00\x00"), CLIENT, BALANCER),
    ],
    ids=["line 4", "line 6", "line 4 in 6", "block 4", "block with TLVs"],
)
def test_the_ends_of_the_clients_connection_are_told(data: bytes, source: object, destination: object) -> None:
    assert read(data) == ProxyHeader(source, destination)


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 whatever it says\r\n",
        block(command=0x20),
        block(command=0x20, family=0, content=b""),
        block(family=0x00, content=b"\x03\x00\x04abcd"),
        block(family=0x12),
        block(family=0x31, content=b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")),
    ],
    ids=["line", "line with more", "LOCAL", "LOCAL without addresses", "unspecified", "UDP", "Unix socket"],
)
def test_a_header_may_tell_no_address(data: bytes) -> None:
    assert read(data) == ProxyHeader(None, None)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXX",
        b"proxy TCP4 192.0.2.7 198.51.100.1 40000 443\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"\r\n\r\n\x01",
    ],
)
def test_what_is_no_header_is_missing_one(data: bytes) -> None:
    with pytest.raises(InvalidProxyHeader, match="missing"):
        read_proxy_header(data)


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443 \r\n",
        b"PROXY  TCP4 192.0.2.7 198.51.100.1 40000 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 65536\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 -1\r\n",
        b"PROXY TCP4 192.0.2.07 198.51.100.1 40000 443\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 443\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 40000 443\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::1 40000 443\r\n",
        b"PROXY TCP4 a.example b.example 1 2\r\n",
        b"PROXY TCP4 192.0.2.7\nX-Evil: 198.51.100.1 1 2\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 40000 443\r\n",
        b"PROXY \r\n",
        block(command=0x11),
        block(command=0x22),
        block(family=0x41),
        block(family=0x13),
        block(content=FOUR[:-1]),
        block(family=0x21),
    ],
)
def test_a_header_that_breaks_the_rules_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidProxyHeader, match="malformed"):
        read_proxy_header(data)


@pytest.mark.parametrize(
    "data", [b"PROXY UNKNOWN " + b"x" * 93, SIGNATURE + struct.pack("!BBH", 0x21, 0x11, 65535)], ids=["line", "block"]
)
def test_a_header_that_is_too_long_is_refused_before_it_is_there(data: bytes) -> None:
    with pytest.raises(InvalidProxyHeader, match="too_long"):
        read_proxy_header(data)


def test_the_longest_line_is_taken() -> None:
    line = b"PROXY UNKNOWN " + b"f" * (107 - 16) + b"\r\n"
    assert len(line) == 107
    assert read(line) == ProxyHeader()


@pytest.mark.parametrize(
    "header", [line_of(CLIENT, BALANCER), block(content=FOUR + b"\x04\x00\x01\x00"), b"PROXY UNKNOWN\r\n"]
)
def test_no_beginning_of_a_header_is_enough(header: bytes) -> None:
    assert [read_proxy_header(header[:length]) for length in range(len(header))] == [None] * len(header)
    assert read_proxy_header(header + b"GET /") == (read(header), len(header))


addresses = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)), st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6))
)
ports = st.integers(0, 65535)


@given(addresses, ports, ports, st.sampled_from([line_of, block_of]))
def test_what_is_written_is_read_back(pair: tuple[object, object], one: int, other: int, write: object) -> None:
    kind = IPv4Address if "." in str(pair[0]) else IPv6Address
    source, destination = kind("TCP", str(pair[0]), one), kind("TCP", str(pair[1]), other)
    header = read(write(source, destination))  # type: ignore[operator]
    assert header.source is not None
    assert header.source.port == one
    again = read(write(header.source, header.destination))  # type: ignore[operator]
    assert again == header


@pytest.mark.parametrize("write", [line_of, block_of])
@pytest.mark.parametrize(
    ("source", "destination"),
    [(None, None), (CLIENT, UNIXAddress("/run/gateway.sock")), (UNIXAddress(None), UNIXAddress("/run/a"))],
)
def test_what_is_no_tcp_connection_tells_no_address(write: object, source: object, destination: object) -> None:
    assert read(write(source, destination)) == ProxyHeader()  # type: ignore[operator]


def test_an_address_of_each_kind_is_told_as_two_of_the_wider() -> None:
    header = read(line_of(CLIENT6, BALANCER))
    assert (header.source, header.destination) == (CLIENT6, BALANCER)
    assert line_of(CLIENT6, BALANCER).startswith(b"PROXY TCP6 ")


beginnings = st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11", SIGNATURE + b"\x20"])


@given(beginnings, st.binary(max_size=300))
def test_whatever_comes_is_read_refused_or_waited_for(beginning: bytes, rest: bytes) -> None:
    data = beginning + rest
    outcome = read_or_refused(data)
    if outcome is None:
        assert len(data) < 4096
    elif isinstance(outcome, str):
        assert outcome in ("missing", "malformed", "too_long")
    else:
        assert 0 < outcome[1] <= len(data)
