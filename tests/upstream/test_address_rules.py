"""Where may a backend be, by the address connected to?"""

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.upstream.address_rules import EVERYWHERE, SPECIAL, AddressRules

DEFAULT = AddressRules()


def rules(*networks: str) -> AddressRules:
    return AddressRules(tuple(ip_network(network) for network in networks))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.0.0.1", "192.168.7.7", "203.0.113.9", "fd00::1", "::ffff:10.0.0.1"],
)
def test_backends_may_be_at_ordinary_addresses(address: str) -> None:
    assert DEFAULT.objection(address, 80) is None


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42"),
        *("0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.250", "ff02::1", "240.0.0.1", "255.255.255.255"),
    ],
)
def test_link_local_metadata_and_special_addresses_are_refused(address: str) -> None:
    assert "backend_networks" in str(DEFAULT.objection(address, 80))


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "64:ff9b::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001:0:c000:201::5601:5601",
        "::ffff:0.0.0.0",
        "64:ff9b::6464:64c8",
    ],
)
def test_a_special_address_is_refused_in_the_clothes_of_another(address: str) -> None:
    assert DEFAULT.objection(address, 80) is not None


def test_a_special_address_is_allowed_where_a_network_within_its_own_is_named() -> None:
    said = rules("0.0.0.0/0", "169.254.7.0/24")
    assert said.objection("169.254.7.1", 80) is None
    assert said.objection("169.254.169.254", 80) is not None


def test_the_whole_internet_does_not_name_special_addresses() -> None:
    assert rules("0.0.0.0/0", "160.0.0.0/4", "::/0").objection("169.254.169.254", 80) is not None


def test_an_address_outside_the_networks_is_refused_by_the_name_of_the_setting() -> None:
    assert rules("10.0.0.0/8").objection("192.0.2.1", 80) == "192.0.2.1 is in none of the backend_networks"


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_an_address_in_a_network_is_allowed_however_it_is_written(address: str) -> None:
    assert rules("10.0.0.0/8").objection(address, 80) is None


def test_with_no_network_nobody_is_allowed() -> None:
    assert AddressRules(()).objection("10.0.0.1", 80) is not None


def test_the_gateway_itself_is_refused_whatever_networks_are_named() -> None:
    own = AddressRules(EVERYWHERE, is_own=lambda address, port: (address, port) == ("10.0.0.1", 8000))
    assert "itself" in str(own.objection("10.0.0.1", 8000))
    assert own.objection("10.0.0.1", 8001) is None


@given(st.sampled_from(SPECIAL).flatmap(lambda network: st.ip_addresses(network=network)))
def test_nothing_special_is_ever_allowed_unless_said(address: object) -> None:
    assert DEFAULT.objection(str(address), 80) is not None


@given(st.text())
def test_what_is_no_address_is_refused(text: str) -> None:
    assert rules().objection(text, 80) is not None


# ---- Unix sockets ---------------------------------------------------------------------------------------------------


def test_no_unix_socket_is_allowed_unless_its_directory_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    assert "backend_sockets" in str(DEFAULT.socket_objection(path))
    assert AddressRules(sockets=(str(tmp_path),)).socket_objection(path) is None


def test_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "docker.sock"
    allowed.mkdir()
    (allowed / "app.sock").symlink_to(secret)
    assert AddressRules(sockets=(str(allowed),)).socket_objection(str(allowed / "app.sock")) is not None


def test_a_directory_whose_name_only_begins_alike_is_refused(tmp_path: Path) -> None:
    named = AddressRules(sockets=(str(tmp_path / "run"),))
    assert named.socket_objection(str(tmp_path / "running" / "app.sock")) is not None


def test_the_gateways_own_socket_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    own = AddressRules(sockets=(str(tmp_path),), is_own=lambda place, port: (place, port) == (path, 0))
    assert "itself" in str(own.socket_objection(path))
