"""Is a backend this gateway itself? By the address that a connection to it would go to."""

import socket
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from openprequal.admin.own_address import OwnAddress, is_this_host
from openprequal.admin.whereabouts import objection
from openprequal.upstream.address_rules import AddressRules
from openprequal.values import Backend


def listening_on(*addresses: Any) -> OwnAddress:
    own = OwnAddress()
    own.listening.append(SimpleNamespace(addresses=list(addresses)))  # type: ignore[arg-type]
    return own


ALL = IPv6Address("TCP", "::", 8000)
ALL_V4 = IPv4Address("TCP", "0.0.0.0", 8000)
LOOPBACK = IPv4Address("TCP", "127.0.0.1", 8000)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.5.5.5", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("bound", [ALL, ALL_V4])
def test_every_local_address_leads_to_a_listener_on_all(address: str, bound: Any) -> None:
    assert listening_on(bound).is_own(address, 8000)
    assert not listening_on(bound).is_own(address, 8001)


def test_another_host_is_somebody_else() -> None:
    assert not listening_on(ALL).is_own("192.0.2.7", 8000)
    assert not listening_on(ALL).is_own("2001:db8::7", 8000)


def test_another_address_of_this_host_is_somebody_else_where_one_is_listened_on() -> None:
    own = listening_on(LOOPBACK)
    assert own.is_own("127.0.0.1", 8000)
    assert own.is_own("0.0.0.0", 8000)
    assert not own.is_own("127.0.0.2", 8000)


def test_a_unix_socket_is_known_by_its_path(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    own = listening_on(UNIXAddress(path.encode()))
    assert own.is_own(path, 0)
    assert not own.is_own(str(tmp_path / "other.sock"), 0)
    assert not own.is_own("127.0.0.1", 0)


@pytest.mark.parametrize("free", [True, False])
def test_an_address_that_any_host_may_bind_is_ours_only_if_packets_leave_by_it(
    free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Trial:
        """A socket on a host with ip_nonlocal_bind, whose own address is 192.0.2.50."""

        def __init__(self, *_: object) -> None: ...

        def __enter__(self) -> "Trial":
            return self

        def __exit__(self, *_: object) -> None: ...

        def bind(self, address: tuple[str, int]) -> None:
            if not free and address[0] != "192.0.2.50":
                raise OSError

        def connect(self, address: tuple[str, int]) -> None: ...

        def getsockname(self) -> tuple[str, int]:
            return "192.0.2.50", 9

    monkeypatch.setattr(socket, "socket", Trial)
    assert is_this_host(ip_address("192.0.2.50"))
    assert not is_this_host(ip_address("192.0.2.51"))


# ---- what a registration says ---------------------------------------------------------------------------------------


def refused(backend: Backend, rules: AddressRules) -> str:
    return str(objection(rules, backend))


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://gw.localhost:8000", "http://[::1]:8000"])
def test_a_registration_that_plainly_means_the_gateway_is_refused(url: str) -> None:
    assert "itself" in refused(Backend(url), AddressRules(is_own=listening_on(ALL).is_own))


def test_localhost_is_the_gateway_where_one_of_its_addresses_is() -> None:
    assert "itself" in refused(Backend("http://localhost:8000"), AddressRules(is_own=listening_on(LOOPBACK).is_own))


def test_the_port_of_probes_may_not_be_the_gateways_either() -> None:
    backend = Backend("http://127.0.0.1:9000", probe_port=8000)
    assert "itself" in refused(backend, AddressRules(is_own=listening_on(ALL).is_own))


def test_a_name_is_judged_when_it_is_connected_to() -> None:
    assert objection(AddressRules(()), Backend("http://a.test:80")) is None


def test_an_address_outside_the_networks_is_refused_at_once() -> None:
    assert "backend_networks" in refused(Backend("http://169.254.169.254:80"), AddressRules())
    assert "backend_networks" in refused(Backend("http://[fe80::1]:80"), AddressRules())


def test_localhost_is_taken_if_one_of_its_addresses_is_in_the_networks() -> None:
    (network, _) = AddressRules().networks
    assert objection(AddressRules((network,)), Backend("http://localhost:80")) is None


def test_a_unix_socket_in_no_directory_is_refused_at_once() -> None:
    assert "backend_sockets" in refused(Backend("unix:///var/run/docker.sock"), AddressRules())
