"""The whole gateway traces requests as the settings say."""

import re
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tracing.collecting import plain, spans_in
from whole_gateway import FarBackend, WholeGateway, status

ENDPOINT = "http://collector:4318"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OPEN_METRICS = "application/openmetrics-text"


class Traced:
    """A gateway with a collector."""

    def __init__(self, **settings: Any) -> None:
        self.gateway = WholeGateway(1, **{"tracing_endpoint": ENDPOINT, **settings})
        self.collector = FarBackend(8)
        self.gateway.backends.append(self.collector)
        self.gateway.names.addresses["collector"] = [self.collector.host]

    def ask(self, **fields: str) -> bytes:
        """One request that is answered; what the backend was sent."""
        connections = self.gateway.backends[0].connections
        before = {connection: len(connection.received) for connection in connections}
        client = self.gateway.get(**fields)
        received = b"".join(connection.received[before.get(connection, 0) :] for connection in connections)
        self.gateway.answer_all()
        assert status(client) == 200
        return received

    @property
    def spans(self) -> list[Span]:
        """All that came at the collector within a second."""
        self.gateway.wait(1)
        found = []
        for connection in self.collector.connections:
            for post in connection.received.split(b"POST /v1/traces HTTP/1.1\r\n")[1:]:
                found += spans_in(post.partition(b"\r\n\r\n")[2])
        self.collector.answer_all()
        self.gateway.wait(0)
        return found

    def metrics(self, accept: str = "") -> str:
        client = self.gateway.get("/metrics", Accept=accept)
        self.gateway.wait(1)
        return client.received.decode()


def parent_in(request: bytes) -> str:
    (parent,) = re.findall(rb"traceparent: (.*)\r\n", request)
    return str(parent, "ascii")


def test_a_request_is_told_to_the_collector_with_the_ids_that_its_backend_saw() -> None:
    traced = Traced()
    _, trace_id, span_id, flags = parent_in(traced.ask()).split("-")
    own, attempt = traced.spans
    assert (own.trace_id.hex(), attempt.trace_id.hex(), attempt.span_id.hex()) == (trace_id, trace_id, span_id)
    assert flags == "01"


def test_without_an_endpoint_nothing_is_traced_and_a_trace_passes_on() -> None:
    traced = Traced(tracing_endpoint=None)
    assert parent_in(traced.ask(traceparent=PARENT)) == PARENT
    assert traced.spans == []


def test_a_trace_is_believed_by_default_of_trusted_proxies_only() -> None:
    assert parent_in(Traced().ask(traceparent=PARENT))[:35] != PARENT[:35]
    assert parent_in(Traced(trusted_proxies=("127.0.0.0/8",)).ask(traceparent=PARENT))[:35] == PARENT[:35]


@pytest.mark.parametrize(("whose", "believed"), [("all", True), ("none", False)])
def test_a_trace_is_believed_of_those_that_the_settings_name(whose: str, believed: bool) -> None:
    traced = Traced(trusted_proxies=("127.0.0.0/8",), tracing_parents=whose)
    assert (parent_in(traced.ask(traceparent=PARENT))[:35] == PARENT[:35]) is believed


def test_a_route_is_told() -> None:
    traced = Traced(routes=({"name": "shop", "service": "default"},))
    traced.ask()
    own, _ = traced.spans
    assert own.name == "GET shop"
    assert plain(own.attributes)["openprequal.route"] == "shop"


def test_the_path_that_a_route_changes_is_told_as_the_backend_got_it() -> None:
    traced = Traced(routes=({"name": "shop", "path_prefix": "/x", "strip_prefix": True},))
    traced.ask()
    own, attempt = traced.spans
    assert plain(own.attributes)["url.path"] == "/x"
    assert plain(attempt.attributes)["url.full"] == f"{traced.gateway.backends[0].url}/"


@pytest.mark.parametrize("head", [b"GET /x HTTP/1.1\r\n\r\n", b"GET  /x\r\n\r\n", b"\x16\x03\x01\xff\r\n\r\n"])
def test_a_head_that_is_no_good_is_a_span_too(head: bytes) -> None:
    traced = Traced()
    traced.gateway.client().send(head)
    (own,) = traced.spans
    assert plain(own.attributes)["http.response.status_code"] == 400


def test_the_copy_for_a_mirror_is_of_no_trace() -> None:
    traced = Traced(
        services={"shadow": {}},
        routes=({"name": "all", "mirror": {"service": "shadow"}},),
        tracing_parents="all",
    )
    shadow = FarBackend(1)
    traced.gateway.backends.append(shadow)
    traced.gateway.post("/register", {"url": shadow.url, "service": "shadow"})
    traced.gateway.wait(0.3)
    traced.gateway.answer_all()
    assert parent_in(traced.ask(traceparent=PARENT))[:35] == PARENT[:35]
    copies = b"".join(connection.received for connection in shadow.connections)
    assert b"GET /x" in copies
    assert b"traceparent" not in copies
    assert len(traced.spans) == 2


def test_what_is_asked_of_the_gateway_itself_is_not_traced() -> None:
    traced = Traced()
    traced.metrics()
    assert traced.spans == []


def test_a_reload_begins_to_trace_and_ends_it() -> None:
    traced = Traced(tracing_endpoint=None)
    traced.gateway.reload(tracing_endpoint=ENDPOINT)
    traced.ask()
    assert len(traced.spans) == 2
    traced.gateway.reload()
    assert b"traceparent" not in traced.ask()
    assert len(traced.spans) == 2


def test_the_end_sends_what_is_left() -> None:
    traced = Traced()
    traced.ask()
    traced.gateway.end()
    assert len(traced.spans) == 2


def test_spans_are_counted() -> None:
    traced = Traced()
    traced.ask()
    assert traced.spans
    assert 'openprequal_trace_spans_total{result="exported"} 2.0' in traced.metrics()


def test_the_durations_have_the_latest_recorded_request_of_a_bucket_as_their_exemplar() -> None:
    traced = Traced()
    traced.ask()
    own, _ = traced.spans
    body = traced.metrics(OPEN_METRICS).partition("\r\n\r\n")[2]
    (family,) = [
        each for each in text_string_to_metric_families(body) if each.name == "openprequal_request_duration_seconds"
    ]
    (exemplar,) = [sample.exemplar for sample in family.samples if sample.exemplar]
    assert exemplar.labels == {"trace_id": own.trace_id.hex(), "span_id": own.span_id.hex()}


def test_the_older_format_has_no_exemplars() -> None:
    traced = Traced()
    traced.ask()
    assert "trace_id" not in traced.metrics()
