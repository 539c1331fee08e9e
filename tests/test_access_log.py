"""The whole gateway writes down who asked for what: proxied or refused, and not what is asked of itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from whole_gateway import WholeGateway, status

from openprequal.access_log import writer
from openprequal.testing.memory_transport import RawConnection

CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Logging:
    """A gateway with a log in JSON."""

    def __init__(self, folder: Path, backends: int = 1, **settings: Any) -> None:
        self.path = folder / "access.log"
        self.log: dict[str, Any] = {"access_log": str(self.path)}
        self.whole = WholeGateway(backends, **self.log, **settings)

    def send(self, data: bytes) -> RawConnection:
        client = self.whole.client()
        client.send(data)
        self.whole.wait(0)
        return client

    def lines(self) -> list[dict[str, Any]]:
        """What was written down, now that the gateway ends."""
        self.whole.end()
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []


@pytest.fixture
def logging(tmp_path: Path) -> Iterator[Any]:
    started: list[Logging] = []

    def start(*arguments: Any, **settings: Any) -> Logging:
        started.append(Logging(tmp_path, *arguments, **settings))
        return started[-1]

    yield start
    for each in started:
        if not each.whole.stopped:
            each.whole.end()


def test_a_proxied_request_tells_of_its_backend_and_its_id(logging: Any) -> None:
    each = logging()
    client = each.whole.get("/a?b=c", User_Agent="x")
    each.whole.answer_all()
    assert status(client) == 200
    (line,) = each.lines()
    assert (line["method"], line["target"], line["user_agent"], line["status"]) == ("GET", "/a?b=c", "x", 200)
    assert line["backend"] == each.whole.backends[0].url
    seen = each.whole.backends[0].connections
    assert any(f"X-Request-Id: {line['request_id']}\r\n".encode() in connection.received for connection in seen)


@pytest.mark.parametrize(
    ("sent", "code", "method", "target"),
    [
        (b"\x16\x03\x01\r\n\r\n", 400, None, "\x16\x03\x01"),
        (b"GET /x HTTP/1.1\r\n\r\n", 400, "GET", "/x"),
        (b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n", 505, None, "GET /x HTTP/2.0"),
        (b"GET /" + b"x" * 9000, 414, None, "GET /" + "x" * 251),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413, "POST", "/x"),
        (CHUNKED + b"65\r\n" + b"x" * 101, 413, "POST", "/x"),
        (CHUNKED + b"x\r\n", 400, "POST", "/x"),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501, "CONNECT", "a:443"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", 200, "OPTIONS", "*"),
    ],
)
def test_what_reaches_no_backend_is_written_down_too(
    logging: Any, sent: bytes, code: int, method: str | None, target: str
) -> None:
    each = logging(body_max_bytes=100)
    assert status(each.send(sent)) == code
    each.whole.answer_all()
    (line,) = each.lines()
    assert (line["status"], line["method"], line["target"]) == (code, method, target)
    assert line["client"] == "127.0.0.1"


def test_a_head_that_does_not_come_in_time_is_written_down_with_how_long_it_took(logging: Any) -> None:
    each = logging(header_timeout_seconds=1)
    each.send(b"GET /slow HTTP/1.1\r\nHos")
    each.whole.wait(2)
    (line,) = each.lines()
    assert (line["status"], line["target"]) == (408, "/slow")
    assert line["duration_us"] >= 1_000_000


def test_a_connection_that_asks_for_nothing_is_not_written_down(logging: Any) -> None:
    each = logging(idle_timeout_seconds=1)
    each.whole.client()
    each.whole.wait(3)
    assert each.lines() == []


def test_one_over_a_rate_limit_is_written_down(logging: Any) -> None:
    each = logging(max_requests_per_second_per_client=1)
    for _ in range(3):
        each.whole.get("/x")
        each.whole.answer_all()
    assert 429 in [line["status"] for line in each.lines()]


def test_one_beyond_the_connections_is_written_down(logging: Any) -> None:
    each = logging(max_connections_per_client=1)
    peer = IPv4Address("TCP", "192.0.2.7", 40000)
    held = each.whole.get("/held", peer)
    each.whole.get("/beyond", peer)
    each.whole.answer_all()
    assert status(held) == 200
    assert {line["target"]: line["status"] for line in each.lines()} == {"/held": 200, "/beyond": 429}


def test_a_client_that_goes_is_written_down_with_499(logging: Any) -> None:
    each = logging()
    each.whole.get("/x").close()
    each.whole.wait(0)
    (line,) = each.lines()
    assert (line["status"], line["ending"], line["outcome"]) == (499, "client_gone", "cancelled")


def test_what_is_asked_of_the_gateway_itself_is_not_written_down(logging: Any) -> None:
    each = logging()
    for path in ("/metrics", "/healthz", "/backends"):
        each.whole.get(path)
    assert each.lines() == []


def test_every_request_on_a_connection_is_written_down_once(logging: Any) -> None:
    each = logging()
    client = each.whole.client()
    for _ in range(3):
        client.send(b"GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
        each.whole.answer_all()
    assert [line["target"] for line in each.lines()] == ["/again"] * 3


def test_content_is_counted_both_ways(logging: Any) -> None:
    each = logging()
    client = each.send(CHUNKED + b"3\r\nabc\r\n")
    client.send(b"2\r\nde\r\n0\r\n\r\n")
    each.whole.answer_all()
    (line,) = each.lines()
    assert (line["request_bytes"], line["response_bytes"]) == (5, 5)


def test_a_reload_changes_the_format_and_what_is_kept(logging: Any, tmp_path: Path) -> None:
    each = logging()
    client = each.whole.client()
    for target, settings in ((b"/json", None), (b"/combined", {"access_log_format": "combined"}), (b"/none", {})):
        if settings is not None:
            log = each.log if settings else {}
            assert each.whole.reload(**log, **settings)[0] == 200
        client.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
        each.whole.answer_all()
    each.whole.end()
    first, second = each.path.read_text().splitlines()
    assert json.loads(first)["target"] == "/json"
    assert '"GET /combined HTTP/1.1" 200' in second


def test_a_request_that_is_under_way_at_a_reload_is_written_as_it_began(logging: Any) -> None:
    each = logging()
    each.whole.get("/before")
    assert each.whole.reload(**each.log, access_log_format="combined")[0] == 200
    each.whole.answer_all()
    (line,) = each.lines()
    assert line["target"] == "/before"


def test_a_reload_to_a_file_that_cannot_be_written_changes_nothing(logging: Any, tmp_path: Path) -> None:
    each = logging()
    code, problem = each.whole.reload(access_log=str(tmp_path / "no" / "such"))
    assert code == 422
    assert "access_log: " in problem["detail"]
    assert "there is no such directory" in problem["detail"]
    each.whole.get("/x")
    each.whole.answer_all()
    assert len(each.lines()) == 1


def test_lines_that_are_lost_show_in_the_metrics(logging: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 0)
    each = logging()
    each.whole.get("/x")
    each.whole.answer_all()
    each.whole.wait(1)
    page = each.whole.get("/metrics")
    each.whole.wait(1)
    assert b'openprequal_access_log_lost_lines_total{reason="backlog"} 1.0' in page.received
