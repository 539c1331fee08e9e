"""What is written to Redis and read there, and which Redis a URL means."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from openprequal.errors import ConfigurationError
from openprequal.interfaces import RegistryContext
from openprequal.registry.catalogue import REGISTRIES
from openprequal.registry.redis.address import RedisAddress, read_address
from openprequal.registry.redis.document import document_of, read_document
from openprequal.registry.redis.registry import RedisRegistry
from openprequal.values import Backend

FULL = Backend(
    url="http://a.test:8001",
    service="api",
    weight=2.5,
    health_path="/health",
    probe_path="/probe",
    probe_port=9000,
    priority=1,
    zone="west",
    heartbeat_seconds=5.0,
)


@pytest.mark.parametrize("backend", [FULL, Backend(url="https://b.test:443"), Backend(url="unix:///run/a.sock")])
def test_a_backend_is_read_as_it_was_written(backend: Backend) -> None:
    assert read_document(document_of(backend, None), backend.id) == backend


def test_the_lease_comes_first_in_milliseconds() -> None:
    assert document_of(FULL, None).startswith(b"10000 {")
    assert document_of(FULL, 3.5).startswith(b"3500 {")
    assert document_of(Backend(url="http://a.test:1"), 3.5).startswith(b"0 {")


def test_what_a_later_version_says_beyond_is_left_out() -> None:
    assert read_document(b'0 {"url":"http://a.test:1","colour":"red"}', "default/http://a.test:1") == Backend(
        url="http://a.test:1"
    )


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_backend_or_none(document: bytes) -> None:
    read_document(document, FULL.id)
    read_document(b"0 " + document, FULL.id)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://a.test", RedisAddress("a.test", 6379, "", False, 0, "", "")),
        ("redis://a.test:7000/3", RedisAddress("a.test", 7000, "", False, 3, "", "")),
        ("rediss://me:p%40ss@a.test", RedisAddress("a.test", 6379, "", True, 0, "me", "p@ss")),
        ("redis://:secret@[::1]:7000/", RedisAddress("::1", 7000, "", False, 0, "", "secret")),
        ("unix:///run/redis.sock?db=2", RedisAddress("", 6379, "/run/redis.sock", False, 2, "", "")),
    ],
)
def test_a_url_means_an_address(url: str, address: RedisAddress) -> None:
    assert read_address(url) == address


@pytest.mark.parametrize(
    "url",
    ["", "a.test", "http://a.test", "redis://", "redis://a.test/x", "redis://a.test:99999", "unix://", "redis://a?b=c"],
)
def test_what_means_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_address(url)


def test_an_address_is_shown_without_its_password() -> None:
    address = read_address("redis://me:secret@a.test/1")
    assert str(address) == "redis://a.test:6379/1"
    assert "secret" not in repr(address)


@pytest.mark.parametrize("url", ["http://me:secret@a.test", "redis://me:secret@a.test:x"])
def test_a_url_that_cannot_be_used_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        RedisRegistry(RegistryContext(Clock(), 10, None, {"url": url}))
    assert refused.value.about == ("registry_parameters", "url")
    assert "secret" not in str(refused.value)


def test_the_url_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="is missing"):
        RedisRegistry(RegistryContext(Clock(), 10))


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("openprequal.registry.redis.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hiredis", None)
    with pytest.raises(ConfigurationError, match=r"needs the package hiredis: pip install 'openprequal\[redis\]'"):
        REGISTRIES["redis"](RegistryContext(Clock(), 10, None, {"url": "redis://a.test"}))
