"""What a registration may say, and what is wrong with the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.errors import RegistrationRefused
from openprequal.registry.backend_url import canonical_url
from openprequal.registry.registration import read_registration, read_unregistration
from openprequal.values import Backend

SERVICES = ("default", "search")
URL = "http://a.test:80"


@pytest.mark.parametrize(
    ("url", "port", "expected"),
    [
        ("http://localhost:8001", 8001, "http://localhost:8001"),
        ("http://localhost", 8001, "http://localhost:8001"),
        ("http://localhost/", None, "http://localhost:80"),
        ("https://localhost", None, "https://localhost:443"),
        ("HTTP://LocalHost:8001/", None, "http://localhost:8001"),
        ("http://localhost:08001", 8001, "http://localhost:8001"),
        ("http://10.0.0.1:65535", None, "http://10.0.0.1:65535"),
        ("http://[::1]:8001", None, "http://[::1]:8001"),
        ("http://[0:0:0:0:0:0:0:1]", 8001, "http://[::1]:8001"),
        ("http://[2001:DB8::A]:1", None, "http://[2001:db8::a]:1"),
        ("http://my_backend-1:80", None, "http://my_backend-1:80"),
        ("http://a.b.svc.cluster.local.:80", None, "http://a.b.svc.cluster.local.:80"),
        ("http://xn--bcher-kva.test", None, "http://xn--bcher-kva.test:80"),
    ],
)
def test_a_url_is_written_in_one_way(url: str, port: int | None, expected: str) -> None:
    assert canonical_url(url, port) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8001",
        "//localhost:8001",
        "http:",
        "http:/localhost",
        "http:localhost",
        "http://",
        "http:///",
        "http://:80",
        "ftp://a.test",
        "file:///etc/passwd",
        "unix:run/a.sock",
        "unix://run/a.sock",
        "unix:///run/../a.sock",
        "unix:///run/a.sock?x",
        "unix:///" + "a" * 120,
        "javascript:alert(1)",
        "http://user@a.test",
        "http://user:secret@a.test",
        "http://@a.test",
        "http://a.test#",
        "http://a.test/#x",
        "http://a.test?",
        "http://a.test/?x=1",
        "http://a.test/x",
        "http://a.test//",
        "http://a.test:",
        "http://a.test:0",
        "http://a.test:65536",
        "http://a.test:-1",
        "http://a.test:+1",
        "http://a.test:80a",
        "http://a.test:" + "9" * 1000,
        "http://a.test:80:80",
        "http://a test",
        " http://a.test",
        "http://a.test\n",
        "http://a.te\tst",
        "http://a.test\x00",
        "http://a.test\x7f",
        "http://a.test\\x",
        "http://b\u00fccher.test",
        "http://a\u3002test",
        "http://a%2etest",
        "http://a..test",
        "http://.test",
        "http://-a.test",
        "http://a-.test",
        "http://a,b",
        "http://" + "a" * 64,
        "http://" + "a." * 130 + "test",
        "http://" + "a" * 3000,
        "http://127.1",
        "http://2130706433",
        "http://0x7f.1",
        "http://0x7f000001",
        "http://127.0.0.1.",
        "http://127.0.0.256",
        "http://127.0.0.01",
        "http://[::1",
        "http://::1",
        "http://[]",
        "http://[::1]x",
        "http://[::1]x:80",
        "http://x[::1]",
        "http://[127.0.0.1]",
        "http://[fe80::1%eth0]",
        "http://[fe80::1%25eth0]",
        "http://[v1.x]",
        "http://[::g]",
    ],
)
def test_a_url_that_is_not_taken_is_named(url: str) -> None:
    with pytest.raises(RegistrationRefused) as refused:
        canonical_url(url)
    assert (refused.value.field, refused.value.status) == ("url", 400)
    assert refused.value.reason.startswith("url: ")
    assert len(refused.value.reason) < 250


def test_credentials_are_not_repeated() -> None:
    with pytest.raises(RegistrationRefused) as refused:
        canonical_url("http://user:secret@a.test")
    assert "secret" not in refused.value.reason


def test_a_port_that_disagrees_with_the_url_is_named() -> None:
    with pytest.raises(RegistrationRefused) as refused:
        canonical_url("http://a.test:80", 81)
    assert refused.value.field == "port"


@given(st.text())
def test_a_url_is_refused_or_written_as_it_stays(text: str) -> None:
    for url in (text, "http://" + text):
        try:
            canonical = canonical_url(url)
        except RegistrationRefused:
            continue
        assert canonical_url(canonical) == canonical
        backend = Backend(url=canonical)
        assert canonical_url(f"{backend.scheme}://{canonical.split('://')[1]}", backend.port) == canonical


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("url", None),
        ("url", 1),
        ("url", ["http://a.test"]),
        ("port", "8001"),
        ("port", 80.0),
        ("port", True),
        ("port", 0),
        ("port", 65536),
        ("port", -1),
        ("port", 81),
        ("service", "unknown"),
        ("service", ""),
        ("service", None),
        ("service", 1),
        ("colour", "red"),
        ("URL", "http://a.test"),
    ],
)
def test_a_member_at_fault_is_named_by_both_routes(member: str, value: object) -> None:
    for read in (read_registration, read_unregistration):
        with pytest.raises(RegistrationRefused) as refused:
            read({"url": URL, member: value}, SERVICES)
        assert (refused.value.field, refused.value.status) == (member, 400)
        assert refused.value.reason.startswith(member + ": ")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("weight", 0),
        ("weight", -1),
        ("weight", float("inf")),
        ("weight", float("nan")),
        ("weight", 1e300),
        ("weight", 1e-300),
        ("weight", 10**400),
        ("weight", "1"),
        ("weight", True),
        ("weight", None),
        ("health_path", ""),
        ("health_path", "up"),
        ("health_path", "http://evil.test/"),
        ("health_path", "/a b"),
        ("health_path", "/a\r\nX: y"),
        ("health_path", "/a\n"),
        ("health_path", "/\x00"),
        ("health_path", "/\u00fc"),
        ("health_path", "/#x"),
        ("health_path", "/" + "x" * 3000),
        ("health_path", 1),
        ("probe_path", "probe"),
        ("probe_path", "/\t"),
        ("priority", -1),
        ("priority", 1.5),
        ("zone", ""),
        ("zone", "z" * 64),
        ("probe_port", 0),
        ("probe_port", 65536),
        ("probe_port", "80"),
        ("heartbeat_seconds", 0),
        ("heartbeat_seconds", -1),
        ("heartbeat_seconds", float("inf")),
        ("heartbeat_seconds", 1e9),
        ("heartbeat_seconds", "30"),
        ("heartbeat_seconds", True),
        ("load", 3),
        ("load", []),
    ],
)
def test_a_particular_at_fault_is_named(member: str, value: object) -> None:
    with pytest.raises(RegistrationRefused) as refused:
        read_registration({"url": URL, member: value}, SERVICES)
    assert (refused.value.field, refused.value.status) == (member, 400)
    assert refused.value.reason.startswith(member + ": ")
    assert len(refused.value.reason) < 250


@pytest.mark.parametrize(
    ("load", "field"),
    [
        ({}, "load.rif"),
        ({"rif": -1}, "load.rif"),
        ({"rif": "3"}, "load.rif"),
        ({"rif": True}, "load.rif"),
        ({"rif": float("nan")}, "load.rif"),
        ({"rif": 1e12}, "load.rif"),
        ({"rif": 1, "latency": -0.1}, "load.latency"),
        ({"rif": 1, "latency": "1ms"}, "load.latency"),
        ({"rif": 1, "latency": float("inf")}, "load.latency"),
        ({"rif": 1, "state": "asleep"}, "load.state"),
        ({"rif": 1, "state": "READY"}, "load.state"),
        ({"rif": 1, "state": None}, "load.state"),
        ({"rif": 1, "cpu": 0.5}, "load.cpu"),
    ],
)
def test_a_load_report_at_fault_is_named(load: object, field: str) -> None:
    with pytest.raises(RegistrationRefused) as refused:
        read_registration({"url": URL, "load": load}, SERVICES)
    assert refused.value.field == field


def test_a_missing_url_is_named() -> None:
    with pytest.raises(RegistrationRefused) as refused:
        read_registration({"port": 8001}, SERVICES)
    assert refused.value.reason == "url: is required"


def test_null_counts_as_absent_where_it_may_be_absent() -> None:
    nothing = dict.fromkeys(("port", "health_path", "probe_path", "probe_port", "heartbeat_seconds", "load"))
    told = read_registration({"url": URL, **nothing}, SERVICES)
    assert told.backend == Backend(url=URL)
    assert told.load is None


def test_a_service_that_is_not_there_is_told_which_are() -> None:
    with pytest.raises(RegistrationRefused) as refused:
        read_registration({"url": URL, "service": "serach"}, SERVICES)
    assert "default, search" in refused.value.reason
