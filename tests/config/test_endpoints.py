"""Where a process listens by default, and how its children reach it."""

import pytest

from openprequal.config import endpoints
from openprequal.config.endpoints import listening_endpoints, url_of, url_of_endpoints


def test_what_was_asked_for_is_listened_on() -> None:
    assert listening_endpoints(["unix:/run/x"], 8000) == ("unix:/run/x",)


def test_a_dual_stack_host_listens_on_both_families_with_one_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "dual_stack", lambda: True)
    assert listening_endpoints([], 8000) == (r"tcp6:8000:interface=\:\::backlog=4096",)


def test_a_host_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "dual_stack", lambda: False)
    assert listening_endpoints([], 8000) == ("tcp:8000:backlog=4096",)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://localhost:1"),
        ("0.0.0.0", "http://localhost:1"),
        ("::", "http://localhost:1"),
        ("::1", "http://[::1]:1"),
        ("10.0.0.1", "http://10.0.0.1:1"),
    ],
)
def test_a_wildcard_address_is_reached_as_localhost(host: str, url: str) -> None:
    assert url_of(host, 1) == url


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (["tcp:8080"], "http://localhost:8080"),
        (["unix:/run/x", "tcp:port=8080"], "http://localhost:8080"),
        (["tcp:8080:interface=127.0.0.2"], "http://127.0.0.2:8080"),
        ([r"tcp6:8080:interface=\:\:1:backlog=5"], "http://[::1]:8080"),
        (["tcp:0"], None),
        (["unix:/run/x"], None),
    ],
)
def test_the_first_tcp_endpoint_tells_how_to_reach_us(listen: list[str], url: str | None) -> None:
    assert url_of_endpoints(listen) == url
