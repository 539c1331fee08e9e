"""What is told of a finished request, read with the library of the protocol."""

from random import Random
from typing import Any

import pytest
from collecting import CLIENT, SERVER, plain, spans_in
from forwarding.messages import GET, OK, POST, SWITCHING, UPGRADE
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from traced import PARENT, SPAN, TRACE, Case, asking

from openprequal.forwarding.retry import RetryRules
from openprequal.forwarding.route import Timeouts
from openprequal.limiting.rate_limits import RateRule
from openprequal.routing.lateness import Lateness
from openprequal.tracing.spans import MOST_TEXT, spans_of
from openprequal.tracing.wire import attribute, block, export_request, often, seconds, span, text, varint

EPOCH_S = 1_700_000_000.0
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


def told(case: Case) -> list[Span]:
    """The spans of the only request that is over."""
    ((journey, trace),) = case.told
    made = list(spans_of(journey, trace, EPOCH_S, Random(2).getrandbits))
    return spans_in(export_request((), "test", "1", made))


def asked(*lines: bytes, answer: bytes = OK, **network: Any) -> tuple[Span, Span]:
    """The spans of one request, and of its one attempt."""
    case = Case(**network)
    case.client.send(asking(*lines))
    case.network.wait(2)
    case.at(0).answer(answer)
    own, attempt = told(case)
    return own, attempt


def test_a_request_is_a_server_span_and_its_attempt_a_client_span_under_it() -> None:
    own, attempt = asked()
    assert (own.kind, own.name, own.parent_span_id) == (SERVER, "GET", b"")
    assert (attempt.kind, attempt.name, attempt.parent_span_id) == (CLIENT, "GET", own.span_id)
    assert own.trace_id == attempt.trace_id
    assert len({own.span_id, attempt.span_id}) == 2


def test_its_attributes_are_those_of_the_conventions_and_our_own() -> None:
    own, attempt = asked(b"User-Agent: tester", b"X-Request-Id: mine")
    assert plain(own.attributes) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/x",
        "network.protocol.version": "1.1",
        "client.address": "192.0.2.1",
        "server.address": "a.test",
        "user_agent.original": "tester",
        "http.request.body.size": 0,
        "http.response.body.size": 5,
        "http.response.status_code": 200,
        "openprequal.service": "default",
        "openprequal.request_id": "mine",
    }
    assert plain(attempt.attributes) == {
        "http.request.method": "GET",
        "url.full": "http://203.0.113.1:8001/x",
        "server.address": "203.0.113.1",
        "server.port": 8001,
        "http.response.status_code": 200,
        "openprequal.backend": "http://203.0.113.1:8001",
        "openprequal.pick.reason": "rotation",
        "openprequal.connection.reused": False,
        "openprequal.connect_s": 0.0,
        "openprequal.first_byte_s": pytest.approx(2),
        "openprequal.ending": "response",
    }


def test_its_times_are_unix_times() -> None:
    own, attempt = asked()
    assert own.start_time_unix_nano >= EPOCH_S * 1e9
    assert own.end_time_unix_nano - own.start_time_unix_nano == pytest.approx(2e9)
    assert own.start_time_unix_nano <= attempt.start_time_unix_nano
    assert own.end_time_unix_nano == attempt.end_time_unix_nano


def test_a_retry_is_a_second_attempt_that_says_so() -> None:
    case = Case(retries=RetryRules(statuses=frozenset({503})))
    case.client.send(GET)
    case.at(0).answer(BUSY)
    case.at(1).answer(OK)
    own, first, second = told(case)
    assert [each.status.code for each in (own, first, second)] == [0, Status.STATUS_CODE_ERROR, 0]
    assert plain(first.attributes)["error.type"] == "503"
    assert "http.request.resend_count" not in plain(first.attributes)
    assert plain(second.attributes)["http.request.resend_count"] == 1
    assert first.span_id.hex().encode() in case.at(0).received
    assert second.span_id.hex().encode() in case.at(1).received


def test_a_refused_connect_is_an_attempt_with_an_id_although_nobody_was_told_it() -> None:
    case = Case()
    case.at(0).refuse()
    case.client.send(GET)
    case.network.wait(0)
    case.at(1).answer(OK)
    own, refused, _ = told(case)
    attributes = plain(refused.attributes)
    assert (attributes["error.type"], refused.status.code) == ("connect_failed", Status.STATUS_CODE_ERROR)
    assert "openprequal.connect_s" not in attributes
    assert refused.span_id not in (b"", b"\0" * 8, own.span_id)


def test_a_hedge_that_loses_is_no_error() -> None:
    case = Case()
    lateness = case.network.service.lateness = Lateness(95.0, case.network.clock.seconds)
    lateness.delay_s = 1.0
    case.client.send(GET)
    case.network.wait(1)
    lateness.tick()
    case.network.clock.advance(0)
    case.at(0).answer(OK)
    _, _, hedge = told(case)
    attributes = plain(hedge.attributes)
    assert (attributes["openprequal.pick.reason"], attributes["openprequal.ending"]) == ("hedge", "cancelled")
    assert hedge.status.code == 0


def test_a_status_of_a_client_error_is_an_error_of_the_attempt_only() -> None:
    own, attempt = asked(answer=b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert own.status.code == 0
    assert "error.type" not in plain(own.attributes)
    assert attempt.status.code == Status.STATUS_CODE_ERROR


def test_an_answer_of_the_gateways_names_the_error() -> None:
    case = Case(0)
    case.client.send(GET)
    (own,) = told(case)
    assert own.status.code == Status.STATUS_CODE_ERROR
    assert plain(own.attributes)["error.type"] == "NoBackend"
    assert plain(own.attributes)["http.response.status_code"] == 503


def test_one_over_a_rate_limit_is_no_error_and_of_no_service() -> None:
    case = Case(rate_limits=[RateRule("all", "all", 1.0, 1.0)])
    case.client.send(GET)
    case.at(0).answer(OK)
    case.told.clear()
    case.client.send(GET)
    (own,) = told(case)
    attributes = plain(own.attributes)
    assert (attributes["http.response.status_code"], own.status.code) == (429, 0)
    assert "openprequal.service" not in attributes


def test_one_whose_client_goes_has_no_status_and_is_no_error() -> None:
    case = Case()
    case.client.send(GET)
    case.client.close()
    own, attempt = told(case)
    assert plain(own.attributes)["openprequal.ending"] == "client_closed"
    assert plain(attempt.attributes)["openprequal.ending"] == "cancelled"
    assert [own.status.code, attempt.status.code] == [0, 0]


def test_a_response_that_breaks_is_an_error_although_its_status_was_200() -> None:
    case = Case()
    case.client.send(GET)
    case.at(0).answer(OK[:-2])
    case.at(0).connection.close()
    own, attempt = told(case)
    assert [plain(each.attributes)["error.type"] for each in (own, attempt)] == ["broken", "broken"]


def test_a_tunnel_is_a_span_too() -> None:
    case = Case()
    case.client.send(UPGRADE)
    case.at(0).answer(SWITCHING)
    case.client.close()
    own, attempt = told(case)
    assert [plain(each.attributes)["http.response.status_code"] for each in (own, attempt)] == [101, 101]


def test_a_parent_elsewhere_is_told_with_its_state() -> None:
    own, attempt = asked(b"traceparent: " + PARENT, b"tracestate: a=1")
    assert (own.trace_id, own.parent_span_id) == (TRACE.to_bytes(16), SPAN.to_bytes(8))
    assert (own.trace_state, attempt.trace_state) == ("a=1", "a=1")
    assert [hex(own.flags), hex(attempt.flags)] == ["0x301", "0x101"]


def test_one_that_is_not_believed_is_linked_to() -> None:
    own, _ = asked(b"traceparent: " + PARENT, believed=False)
    (link,) = own.links
    assert (link.trace_id, link.span_id) == (TRACE.to_bytes(16), SPAN.to_bytes(8))
    assert own.parent_span_id == b""


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [(b"a.test:81", "a.test", 81), (b"[::1]:81", "::1", 81), (b"[::1]", "::1", None), (b"a.test:", "a.test", None)],
)
def test_the_host_is_taken_apart(host: bytes, address: str, port: int | None) -> None:
    case = Case()
    case.client.send(GET.replace(b"a.test", host))
    case.at(0).answer(OK)
    attributes = plain(told(case)[0].attributes)
    assert (attributes["server.address"], attributes.get("server.port")) == (address, port)


def test_the_query_is_told_nowhere() -> None:
    case = Case()
    case.client.send(GET.replace(b"/x", b"/x?token=secret"))
    case.at(0).answer(OK)
    assert "secret" not in str(told(case))


def test_a_method_that_somebody_makes_up_is_no_name() -> None:
    case = Case()
    case.client.send(GET.replace(b"GET", b"BREW"))
    case.at(0).answer(OK)
    own, attempt = told(case)
    assert [own.name, attempt.name] == ["HTTP", "HTTP"]
    assert plain(own.attributes)["http.request.method"] == "_OTHER"
    assert plain(own.attributes)["http.request.method_original"] == "BREW"


def test_what_clients_make_up_is_bounded_and_text() -> None:
    case = Case()
    long = b"a" * 5000
    case.client.send(
        b"GET /\xff%b HTTP/1.1\r\nHost: %b\r\nUser-Agent: %b\r\nX-Request-Id: %b\r\n\r\n" % (long, long, long, long)
    )
    case.at(0).answer(OK)
    attributes = plain(told(case)[0].attributes)
    made_up = ("url.path", "server.address", "user_agent.original", "openprequal.request_id")
    assert [len(attributes[name]) for name in made_up] == [MOST_TEXT] * 4


def test_content_is_counted() -> None:
    case = Case()
    case.client.send(POST + b"hello")
    case.at(0).answer(OK)
    attributes = plain(told(case)[0].attributes)
    assert (attributes["http.request.body.size"], attributes["http.response.body.size"]) == (5, 5)


# ---- the wire ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**63 - 1))
def test_any_number_is_read_again(number: int) -> None:
    (value,) = plain(Span.FromString(attribute(9, "a", number)).attributes).values()
    assert value == number
    assert len(varint(number)) <= 9


@given(st.text(max_size=300), st.floats(allow_nan=False), st.booleans())
def test_any_attribute_is_read_again(word: str, number: float, truth: bool) -> None:
    span_of_them = text("text", word) + often("often", word) + seconds("number", number) + often("truth", truth)
    read = plain(Span.FromString(span_of_them).attributes)
    assert read == {"text": word, "often": word, "number": number, "truth": truth}


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(1, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.text(max_size=200),
    st.integers(0, 2**63),
    st.booleans(),
    st.booleans(),
)
def test_any_span_is_read_again(
    trace_id: bytes, span_id: int, parent_id: int, name: str, began_ns: int, remote: bool, failed: bool
) -> None:
    made = span(
        trace_id,
        span_id,
        parent_id,
        name,
        2,
        began_ns,
        began_ns + 1,
        (),
        state=b"a=1",
        remote_parent=remote,
        failed=failed,
    )
    read = Span.FromString(made)
    assert (read.trace_id, read.span_id) == (trace_id, span_id.to_bytes(8))
    assert read.parent_span_id == (parent_id.to_bytes(8) if parent_id else b"")
    assert read.name == name.encode("utf-8", "replace").decode()
    assert (read.start_time_unix_nano, read.end_time_unix_nano) == (began_ns, began_ns + 1)
    assert (read.flags, read.status.code, read.trace_state) == (0x301 if remote else 0x101, 2 if failed else 0, "a=1")


def test_what_is_often_told_is_not_mistaken_for_what_compares_equal() -> None:
    assert plain(Span.FromString(often("a", 1) + often("b", True) + often("a", True)).attributes)["a"] is True


def test_a_text_of_any_size_is_read_again() -> None:
    for size in range(300):
        assert plain(Span.FromString(text("some.key", "a" * size)).attributes) == {"some.key": "a" * size}


def test_a_wait_for_room_is_told() -> None:
    case = Case(1, max_in_flight=1, queue_max=1, timeouts=Timeouts(queue_s=5.0))
    case.client.send(GET)
    case.network.client().send(GET)
    case.network.wait(2)
    case.at(0).answer(OK)
    case.told.clear()
    case.at(0).answer(OK)
    assert plain(told(case)[0].attributes)["openprequal.queued_s"] == pytest.approx(2)


def test_a_block_of_any_size_is_read_again() -> None:
    for size in (0, 127, 128, 20_000):
        assert KeyValue.FromString(block(1, b"a" * size)).key == "a" * size


def test_the_sender_says_who_it_is() -> None:
    request = ExportTraceServiceRequest.FromString(export_request([("service.name", "edge")], "openprequal", "1.0", []))
    (resource,) = request.resource_spans
    assert plain(resource.resource.attributes) == {"service.name": "edge"}
    assert [(each.scope.name, each.scope.version) for each in resource.scope_spans] == [("openprequal", "1.0")]
