"""What passes the sidecar is the service's load: counted once, whatever ends it, and told on every response."""

from typing import Any

import pytest
from twisted.internet.task import Clock

from openprequal.agent.load import LoadTracker
from openprequal.sidecar.counted_exchange import CountedExchange, Counting
from openprequal.testing.memory_transport import RawConnection
from openprequal.testing.network import MemoryNetwork

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 2\r\n\r\nok"
BEGUN = b"HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 2\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


class Counted:
    """The way of a request through the sidecar, in memory."""

    def __init__(self, *report_formats: str, **network: Any) -> None:
        clock = Clock()
        self.tracker = LoadTracker(clock)
        formats = report_formats or ("openprequal",)
        self.network = MemoryNetwork(
            clock=clock,
            make_exchange=lambda route, client, head: CountedExchange(
                Counting(route, self.tracker, formats), client, head
            ),
            **network,
        )
        self.upstream = self.network.backend()

    def asked(self, request: bytes = GET) -> RawConnection:
        client = self.network.client()
        client.send(request)
        return client


def test_a_request_is_in_flight_from_its_head_to_the_end_of_its_response() -> None:
    counted = Counted()
    counted.asked()
    assert counted.tracker.rif == 1
    counted.upstream.answer(BEGUN)
    assert counted.tracker.rif == 1
    counted.upstream.answer(b"ok")
    assert counted.tracker.rif == 0


def test_a_response_tells_the_load_without_the_request_it_answers() -> None:
    counted = Counted()
    counted.asked()
    client = counted.asked()
    counted.network.clock.advance(0.25)
    counted.upstream.answer(OK)
    assert b"\r\nOpenPrequal-Load: rif=1, " in client.received
    assert client.received.endswith(b"\r\n\r\nok")


def test_the_load_is_told_in_every_format_asked_for() -> None:
    counted = Counted("openprequal", "prequal-rs", "orca")
    client = counted.asked()
    counted.upstream.answer(OK)
    assert b"\r\nx-prequal-rif: 0\r\nx-prequal-latency-us: " in client.received
    assert b"\r\nendpoint-load-metrics: TEXT named_metrics.rif=0" in client.received


def test_a_report_of_the_service_itself_ends_here() -> None:
    counted = Counted()
    client = counted.asked()
    counted.upstream.answer(OK.replace(b"Date", b"x-prequal-rif: 99\r\nOpenPrequal-Load: rif=99\r\nDate"))
    assert b"99" not in client.received


def test_the_latency_ends_at_the_head() -> None:
    counted = Counted()
    counted.asked()
    counted.network.clock.advance(0.5)
    counted.upstream.answer(BEGUN)
    counted.network.clock.advance(10)
    counted.upstream.answer(b"ok")
    assert counted.tracker.average_latency_s == 0.5


@pytest.mark.parametrize("content_type", [b"text/event-stream", b"text/event-stream; charset=utf-8"])
def test_an_event_stream_is_no_latency_sample(content_type: bytes) -> None:
    counted = Counted()
    counted.asked()
    counted.network.clock.advance(0.5)
    counted.upstream.answer(BEGUN.replace(b"Date", b"Content-Type: " + content_type + b"\r\nDate"))
    assert (counted.tracker.average_latency_s, counted.tracker.rif) == (None, 1)


def test_a_tunnel_is_in_flight_to_its_end_and_no_latency_sample() -> None:
    counted = Counted()
    client = counted.asked(UPGRADE)
    counted.upstream.answer(SWITCHING)
    client.send(b"\x81\x05hello")
    assert (counted.tracker.average_latency_s, counted.tracker.rif) == (None, 1)
    client.close()
    assert counted.tracker.rif == 0


@pytest.mark.parametrize("end", [RawConnection.close, RawConnection.reset])
def test_a_client_that_goes_away_is_not_in_flight_any_more(end: Any) -> None:
    counted = Counted()
    end(counted.asked())
    assert counted.tracker.rif == 0


def test_an_upstream_that_breaks_the_connection_leaves_nothing_in_flight() -> None:
    counted = Counted()
    client = counted.asked()
    counted.upstream.connection.reset()
    assert (counted.tracker.rif, client.received[:12]) == (0, b"HTTP/1.1 502")


def test_an_upstream_that_refuses_leaves_nothing_in_flight() -> None:
    counted = Counted()
    counted.upstream.refuse()
    client = counted.asked()
    counted.network.wait(1)
    assert (counted.tracker.rif, client.received[:12]) == (0, b"HTTP/1.1 502")


def test_a_pipelined_request_does_not_find_the_one_before_it_in_flight() -> None:
    counted = Counted()
    counted.asked(GET + GET)
    arrivals = []
    begin = LoadTracker.begin

    class Watched(LoadTracker):
        __slots__ = ()

        def begin(self) -> Any:
            arrivals.append(self.rif)
            return begin(self)

    counted.tracker.__class__ = Watched
    counted.upstream.answer(OK)
    assert arrivals == [0]
