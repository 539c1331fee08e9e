"""A request's spans reach a collector over real sockets, with the ids that its backends saw."""

import contextlib
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from running import ask, eventually, gateway, post, up

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Server(ThreadingHTTPServer):
    """A backend or a collector.

    :ivar parents: the traceparent of each request that was no health check.
    :ivar posts: path and content of what was posted.
    """

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.parents: list[str | None] = []
        self.posts: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> list[Span]:
        """All that was posted."""
        requests = [ExportTraceServiceRequest.FromString(content) for _, content in self.posts]
        scopes = [
            scope for request in requests for resource in request.resource_spans for scope in resource.scope_spans
        ]
        return [span for scope in scopes for span in scope.spans]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(200)
        else:
            self.server.parents.append(self.headers["traceparent"])
            self._answer(self.server.status)

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/x-protobuf"
        self.server.posts.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def serving(*servers: Server) -> Iterator[None]:
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def test_a_retried_request_is_three_spans_of_the_clients_trace(tmp_path: Path) -> None:
    collector, busy, well = Server(), Server(503), Server()
    flags = (
        f"--tracing-endpoint={collector.url}",
        "--tracing-parents=all",
        "--load-balancer-class=round_robin",
        "--retry-statuses=503",
    )
    with serving(collector, busy, well), gateway(tmp_path, *flags) as (command, port):
        for server in (busy, well):
            assert post(port, "/register", {"url": server.url}).status == 200
        eventually(lambda: up(port, 2), "both are up")
        while not busy.parents:
            well.parents.clear()
            assert ask(port, "/x", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"}).status == 200
        eventually(lambda: "http.request.resend_count" in str(collector.spans), "the retry was told")
        assert "not taken" not in command.output
        assert 'result="unreachable"} 0.0' in ask(port, "/metrics").body.decode()
    assert {path for path, _ in collector.posts} == {"/v1/traces"}
    own, first, second = collector.spans[-3:]
    assert {span.trace_id.hex() for span in (own, first, second)} == {TRACE}
    assert (own.kind, own.parent_span_id.hex()) == (Span.SPAN_KIND_SERVER, SPAN)
    assert {span.parent_span_id for span in (first, second)} == {own.span_id}
    assert [first.status.code, second.status.code] == [Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET]
    assert busy.parents == [f"00-{TRACE}-{first.span_id.hex()}-01"]
    assert well.parents == [f"00-{TRACE}-{second.span_id.hex()}-01"]


def test_the_end_of_the_gateway_sends_what_is_left(tmp_path: Path) -> None:
    collector, backend = Server(), Server()
    with serving(collector, backend):
        with gateway(tmp_path, f"--tracing-endpoint={collector.url}") as (command, port):
            assert post(port, "/register", {"url": backend.url}).status == 200
            eventually(lambda: up(port, 1), "it is up")
            assert ask(port, "/x").status == 200
            command.process.terminate()
            command.wait()
        assert len(collector.spans) == 2


def test_one_id_finds_a_request_in_the_log_its_trace_and_its_explanation(tmp_path: Path) -> None:
    collector, backend = Server(), Server()
    log = tmp_path / "access.log"
    flags = (f"--tracing-endpoint={collector.url}", f"--access-log={log}", "--explain-requests=10")
    with serving(collector, backend), gateway(tmp_path, *flags) as (_, port):
        assert post(port, "/register", {"url": backend.url}).status == 200
        eventually(lambda: up(port, 1), "it is up")
        told = ask(port, "/x", headers={"X-OpenPrequal-Explain": "1"}).headers["x-openprequal-explain"]
        (request_id,) = re.findall(r'request-id="([^"]+)"', told)
        (row,) = ask(port, f"/_openprequal/explain?request_id={request_id}").json["last"]
        eventually(lambda: log.exists() and request_id in log.read_text(), "it is in the log")
        eventually(lambda: len(collector.spans) == 2, "its spans are told")
    (line,) = [json.loads(line) for line in log.read_text().splitlines() if request_id in line]
    own, attempt = collector.spans
    assert line["trace_id"] == row["trace_id"] == own.trace_id.hex() == attempt.trace_id.hex()
    assert line["backend"] == row["attempts"][0]["backend"] == backend.url
    assert line["pick_reason"] == row["attempts"][0]["reason"]
    assert backend.parents == [f"00-{own.trace_id.hex()}-{attempt.span_id.hex()}-01"]
    said = {each.key: each.value.string_value for each in own.attributes}
    assert request_id in said.values()
