"""The example backend, spoken to in bytes over an in-memory transport."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from twisted.internet.address import IPv4Address
from twisted.internet.defer import fail
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from openprequal.agent.bodies import CHUNK_BYTES
from openprequal.agent.example import ExampleResource, ExampleSite
from openprequal.agent.hints import HintRule, WarmHints, hint_of
from openprequal.agent.latency import ENOUGH
from openprequal.agent.load import LoadTracker
from openprequal.agent.work import ProcessorSharing
from openprequal.metrics.families import AgentMetrics, AgentSample
from openprequal.values import LoadState


class Client:
    """A connection to an example backend whose requests take *work_s* seconds."""

    def __init__(
        self,
        work_s: float = 0.0,
        transport: StringTransport | None = None,
        warm: WarmHints | None = None,
        **settings: Any,
    ) -> None:
        self.clock = Clock()
        self.tracker = LoadTracker(self.clock, is_warm=warm.__contains__ if warm is not None else None)
        registry = CollectorRegistry()
        work = ProcessorSharing(self.clock, 1.0)
        self.resource = resource = ExampleResource(
            "backend-8001", self.tracker, lambda: work.work(work_s), registry, warm=warm, **settings
        )
        AgentMetrics(registry, lambda: AgentSample(resource.status_counts, self.tracker.rif, None, None, {}))
        self._site = ExampleSite(self.clock, resource)
        self.connect(transport or StringTransport())

    def connect(self, transport: StringTransport) -> None:
        self.channel = self._site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        self.transport = transport
        self.channel.makeConnection(transport)

    def send(self, data: bytes) -> None:
        self.channel.dataReceived(data)

    def request(self, line: bytes, fields: bytes = b"") -> None:
        self.send(line + b" HTTP/1.1\r\nHost: b\r\n" + fields + b"\r\n")

    def received(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """The one response received since the last call: status, fields by lower-case name, body."""
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        self.transport.clear()
        lines = head.split(b"\r\n")
        fields = [line.partition(b": ") for line in lines[1:]]
        return int(lines[0].split()[1]), {name.lower(): value for name, _, value in fields}, body

    def ask(self, line: bytes, fields: bytes = b"") -> tuple[int, dict[bytes, bytes], bytes]:
        self.request(line, fields)
        return self.received()

    def leave(self) -> None:
        self.channel.connectionLost(Failure(ConnectionDone()))


def test_any_path_is_answered_with_who_it_is() -> None:
    status, fields, body = Client().ask(b"GET /some/path?q=1")
    assert (status, body) == (200, b"backend-8001 GET /some/path?q=1\n")
    assert fields[b"content-type"] == b"text/plain; charset=utf-8"


@pytest.mark.parametrize("method", [b"DELETE", b"PATCH", b"OPTIONS", b"BREW"])
def test_any_method_is_answered(method: bytes) -> None:
    assert Client().ask(method + b" /x")[2] == b"backend-8001 " + method + b" /x\n"


def test_a_head_request_gets_no_body() -> None:
    status, fields, body = Client().ask(b"HEAD /x")
    assert (status, fields[b"content-length"], body) == (200, b"21", b"")


def test_a_request_takes_its_work_and_shares_the_core() -> None:
    client = Client(work_s=2)
    client.request(b"GET /x")
    client.clock.advance(1.9)
    assert (client.transport.value(), client.tracker.rif) == (b"", 1)
    client.clock.advance(0.1)
    assert client.received()[0] == 200
    assert client.tracker.rif == 0


def test_every_response_tells_the_load_without_the_request_it_answers() -> None:
    client = Client(work_s=2)
    client.tracker.begin().head(sample=False)
    for _ in range(ENOUGH):
        client.transport.clear()
        client.request(b"GET /x")
        client.clock.advance(2)
    assert client.received()[1][b"openprequal-load"] == b"rif=1, latency=2.000000, state=ready"


def test_a_client_that_leaves_during_the_work_leaves_no_count_and_no_timer() -> None:
    client = Client(work_s=2)
    client.request(b"GET /x")
    client.clock.advance(1)
    client.leave()
    assert client.tracker.rif == 0
    assert [call for call in client.clock.getDelayedCalls() if "_due" in str(call)] == []


def test_a_client_that_leaves_during_a_long_body_leaves_no_count() -> None:
    client = Client(transport=FullAtOnce())
    client.request(b"GET /bytes/10000000000")
    assert client.tracker.rif == 1
    client.leave()
    assert client.tracker.rif == 0


class FullAtOnce(StringTransport):
    """Has no room after a single write, as a transport with a slow peer."""

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.producer is not None:
            self.producer.pauseProducing()


def test_a_body_of_any_length_is_made_as_it_is_taken() -> None:
    client = Client(transport=FullAtOnce())
    length = 3 * CHUNK_BYTES + 1
    client.request(b"GET /bytes/%d" % length)
    status, fields, first = client.received()
    assert (status, fields[b"content-length"]) == (200, b"%d" % length)
    sizes = [len(first)]
    while client.tracker.rif:
        client.transport.producer.resumeProducing()
        sizes.append(len(client.transport.value()))
        client.transport.clear()
    assert sum(sizes) == length
    assert max(sizes) == CHUNK_BYTES


@pytest.mark.parametrize("line", [b"GET /bytes/0", b"HEAD /bytes/5000"])
def test_a_body_that_is_not_sent_ends_the_response_at_once(line: bytes) -> None:
    client = Client()
    status, fields, body = client.ask(line)
    assert (status, fields[b"content-length"], body) == (200, line.rpartition(b"/")[2], b"")
    assert client.tracker.rif == 0


@pytest.mark.parametrize("path", [b"/bytes/", b"/bytes/x", b"/bytes/-1", b"/bytes"])
def test_what_is_no_number_of_bytes_is_a_path_like_any_other(path: bytes) -> None:
    assert Client().ask(b"GET " + path)[2] == b"backend-8001 GET " + path + b"\n"


@pytest.mark.parametrize("content_type", [b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data"])
def test_an_upload_is_counted_and_never_kept(content_type: bytes) -> None:
    client = Client()
    client.request(b"POST /up", b"Content-Type: " + content_type + b"; boundary=x\r\nContent-Length: 3000000\r\n")
    for _ in range(3):
        client.send(bytes(1_000_000))
    assert client.received()[2] == b"backend-8001 POST /up 3000000 bytes\n"


def test_an_upload_in_chunks_is_taken_too() -> None:
    client = Client()
    client.request(b"POST /up", b"Transfer-Encoding: chunked\r\n")
    client.send(b"3\r\nabc\r\n0\r\n\r\n")
    assert client.received()[2] == b"backend-8001 POST /up 3 bytes\n"


@pytest.mark.parametrize("length", [0, 5, 5000])
def test_the_length_of_a_body_can_be_chosen(length: int) -> None:
    body = Client(response_bytes=length).ask(b"GET /")[2]
    assert len(body) == length
    assert body.startswith(b"backend-8001 GET /\n"[:length])


def test_the_health_path_tells_the_load_and_is_not_counted() -> None:
    client = Client()
    client.tracker.begin()
    status, fields, body = client.ask(b"GET /healthz")
    assert (status, fields[b"content-type"]) == (200, b"application/json")
    assert json.loads(body) == {"status": "ok", "rif": 1, "latency": None, "state": "ready"}
    assert fields[b"openprequal-load"] == b"rif=1, state=ready"


def test_the_health_path_can_be_chosen() -> None:
    client = Client(health_path="/alive")
    assert client.ask(b"GET /alive?x=1")[1][b"content-type"] == b"application/json"
    assert client.ask(b"GET /healthz")[2] == b"backend-8001 GET /healthz\n"


def test_a_draining_backend_fails_its_health_check_and_says_why() -> None:
    client = Client()
    client.tracker.state = LoadState.DRAINING
    status, _, body = client.ask(b"GET /healthz")
    assert (status, json.loads(body)["state"]) == (503, "draining")


def test_the_metrics_count_the_responses() -> None:
    client = Client()
    client.ask(b"GET /x")
    body = client.ask(b"GET /metrics")[2]
    assert b'openprequal_agent_requests_total{code="200"} 1.0\n' in body


def test_a_probe_with_the_hint_of_what_was_served_is_told_a_tenth_of_the_load() -> None:
    client = Client(warm=WarmHints(2), hint_rule=HintRule.parse("header:tenant"))
    client.ask(b"GET /x", b"Tenant: 7\r\nTenant: 8\r\n")
    for _ in range(5):
        client.tracker.begin().head(sample=False)

    def told(value: bytes) -> bytes:
        fields = client.ask(b"GET /healthz", b"OpenPrequal-Hint: " + value + b"\r\n")[1]
        return fields[b"openprequal-load"].partition(b",")[0]

    assert told(hint_of(b"7")) == b"rif=0.5"
    assert told(hint_of(b"8")) == b"rif=5"
    assert told(b"7") == b"rif=5"


def test_work_that_fails_is_500_and_is_not_counted_any_longer() -> None:
    client = Client()
    for failing in (lambda: fail(ZeroDivisionError()), lambda: 1 // 0):
        client.resource._work = failing  # type: ignore[assignment]
        client.request(b"GET /x")
        assert client.transport.value().startswith(b"HTTP/1.1 500 ")
        client.transport.clear()
        assert client.tracker.rif == 0


STEPS = st.tuples(st.sampled_from(["x", "up", "bytes/200000", "time", "leave"]), st.integers(0, 5))


@given(st.lists(STEPS, max_size=30))
def test_whatever_clients_do_no_request_is_counted_for_ever(steps: list[tuple[str, int]]) -> None:
    client = Client(work_s=0.4)
    connected = []
    for step, number in steps:
        if step == "time":
            client.clock.advance(0.3 * number)
        elif step == "leave":
            for channel in connected[number : number + 1]:
                connected.remove(channel)
                channel.connectionLost(Failure(ConnectionDone()))
        else:
            client.connect(StringTransport())
            connected.append(client.channel)
            client.request(b"GET /" + step.encode(), b"Content-Length: 3\r\n" if step == "up" else b"")
            if step == "up" and number % 2:
                client.send(b"abc")
    for channel in connected:
        channel.connectionLost(Failure(ConnectionDone()))
    assert client.tracker.rif == 0
