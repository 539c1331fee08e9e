"""Responses are compressed on their way, and everything else about them stays right."""

from random import Random
from typing import ClassVar

import pytest
from decompressing import decompressed, decompressed_so_far, unchunked
from filtered import FilteredNetwork
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import UPGRADE, content, head, statuses

from openprequal.filters.codings import CODINGS
from openprequal.forwarding.exchange import Exchange
from openprequal.testing.memory_transport import Ended

TEXT = b"A line of text, of which there are many.\n" * 100
CODING_NAMES = [name.encode() for name in CODINGS]


def get(accepts: bytes = b"gzip", method: bytes = b"GET", minor: int = 1) -> bytes:
    return method + b" / HTTP/1.%d\r\nHost: a.test\r\nAccept-Encoding: %b\r\n\r\n" % (minor, accepts)


def answer(body: bytes = TEXT, fields: bytes = b"", content_type: bytes = b"text/html") -> bytes:
    start = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Type: %b\r\n%b" % (content_type, fields)
    return start + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked_answer(body: bytes = b"", fields: bytes = b"") -> bytes:
    start = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Type: text/html\r\n" + fields
    return start + b"Transfer-Encoding: chunked\r\n\r\n" + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def network() -> FilteredNetwork:
    return FilteredNetwork(compression={})


@pytest.mark.parametrize("coding", CODING_NAMES)
def test_a_response_that_is_here_as_a_whole_keeps_a_length(network: FilteredNetwork, coding: bytes) -> None:
    client, backend = network.client(), network.backend()
    client.send(get(coding))
    backend.answer(answer())
    body = content(client.received)
    assert decompressed(coding, body) == TEXT
    assert b"\r\nContent-Encoding: %b\r\n" % coding in client.received
    assert head(client.received).count(b"Content-Length") == 1
    assert b"\r\nContent-Length: %d\r\n" % len(body) in client.received
    assert b"\r\nVary: Accept-Encoding\r\n" in client.received


@pytest.mark.parametrize("coding", CODING_NAMES)
def test_a_large_response_of_known_length_becomes_chunks(network: FilteredNetwork, coding: bytes) -> None:
    client, backend = network.client(), network.backend()
    large = b"".join(b"%d\n" % number**3 for number in range(50_000))
    client.send(get(coding))
    backend.answer(answer(large), cuts=range(1000, len(large), 50_000))
    assert b"Content-Length" not in head(client.received)
    assert head(client.received).count(b"Transfer-Encoding: chunked") == 1
    assert decompressed(coding, unchunked(content(client.received))) == large
    assert network.places.taken == 0


def test_what_has_come_of_a_stream_is_sent_on_at_once(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(chunked_answer(chunk(b"first ")))
    received = unchunked(content(client.received) + b"0\r\n\r\n")
    assert decompressed_so_far(b"gzip", received) == (b"first ", False)
    backend.answer(chunk(b"second"))
    received = unchunked(content(client.received) + b"0\r\n\r\n")
    assert decompressed_so_far(b"gzip", received) == (b"first second", False)


def test_trailers_pass_but_for_those_that_vouch_for_bytes_that_were(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(chunked_answer(chunk(TEXT)) + b"0\r\nX-Sum: 1\r\nContent-Digest: sha-256=:AA:\r\n\r\n")
    assert client.received.endswith(b"\r\n0\r\nX-Sum: 1\r\n\r\n")


@pytest.mark.parametrize("accepts", [b"identity", b"gzip;q=0", b"deflate", b"compress;q=x"])
def test_a_client_that_takes_no_coding_gets_none_but_caches_are_told(network: FilteredNetwork, accepts: bytes) -> None:
    client, backend = network.client(), network.backend()
    client.send(get(accepts))
    backend.answer(answer())
    assert content(client.received) == TEXT
    assert b"Content-Encoding" not in client.received
    assert b"\r\nVary: Accept-Encoding\r\n" in client.received


def test_what_is_never_compressed_is_passed_on_untouched(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(answer(content_type=b"image/png", fields=b'ETag: "a"\r\nAccept-Ranges: bytes\r\n'))
    assert content(client.received) == TEXT
    assert b'\r\nETag: "a"\r\nAccept-Ranges: bytes\r\n' in client.received
    assert b"Vary" not in client.received


def test_a_short_response_of_unknown_length_stays_as_it_is(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(chunked_answer(chunk(b"short") + b"0\r\n\r\n"))
    assert unchunked(content(client.received)) == b"short"


def test_what_would_only_grow_stays_as_it_is() -> None:
    network = FilteredNetwork(compression={"least_bytes": 0})
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(answer(b"x"))
    assert content(client.received) == b"x"
    assert b"Content-Encoding" not in client.received


def test_a_response_to_head_has_the_fields_of_one_to_get_and_no_content(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get(method=b"HEAD"))
    backend.answer(answer(fields=b'ETag: "a"\r\n').removesuffix(TEXT))
    assert client.received.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Encoding: gzip\r\n" in client.received
    assert b'\r\nETag: W/"a"\r\n' in client.received
    assert b"Content-Length" not in client.received
    assert b"Transfer-Encoding" not in client.received
    client.send(get(method=b"HEAD"))
    backend.answer(answer().removesuffix(TEXT))
    assert statuses(client.received) == [200, 200]
    assert network.places.taken == 0


def test_not_modified_has_the_tag_of_what_was_compressed(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n')
    assert b'\r\nETag: W/"a"\r\n' in client.received
    assert content(client.received) == b""


def test_a_part_of_a_content_is_a_part_of_the_backends_bytes(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    part = b"HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\nContent-Range: bytes 0-1999/4000\r\n"
    backend.answer(part + b"Content-Length: 2000\r\n\r\n" + TEXT[:2000])
    assert content(client.received) == TEXT[:2000]


def test_interim_responses_pass(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer())
    assert statuses(client.received) == [103, 200]
    assert b"\r\nContent-Encoding: gzip\r\n" in client.received


def test_a_tunnel_is_left_alone(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(UPGRADE[:-2] + b"Accept-Encoding: gzip\r\n\r\n")
    backend.answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + TEXT)
    client.send(b"hello")
    assert content(client.received) == TEXT
    assert backend.received.endswith(b"hello")


def test_an_http_1_0_client_sees_the_end_by_the_connections(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get(minor=0))
    backend.answer(chunked_answer(chunk(TEXT)))
    backend.answer(b"0\r\n\r\n")
    assert b"Transfer-Encoding" not in client.received
    assert decompressed(b"gzip", content(client.received)) == TEXT
    assert client.ended is Ended.FINISHED


def test_a_broken_response_looks_broken(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(chunked_answer(chunk(TEXT)))
    backend.connection.reset()
    assert not client.received.endswith(b"0\r\n\r\n")
    assert client.ended is not None
    assert network.places.taken == 0


def test_a_client_that_goes_gives_its_place_back(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(chunked_answer(chunk(TEXT)))
    assert network.places.taken == 1
    client.reset()
    assert network.places.taken == 0
    assert network.in_flight == 0


def test_without_a_place_a_response_passes_as_it_is() -> None:
    network = FilteredNetwork(compression={}, places=0)
    client, backend = network.client(), network.backend()
    client.send(get())
    backend.answer(chunked_answer(chunk(TEXT)))
    assert b"\r\nVary: Accept-Encoding\r\n" in client.received
    assert content(client.received) == chunk(TEXT)


def test_a_slow_client_slows_the_backend_down(network: FilteredNetwork) -> None:
    client, backend = network.client(), network.backend()
    noise = Random(1).randbytes(1_000_000)
    client.send(get())
    backend.answer(chunked_answer())
    client.stop_reading()
    backend.answer(chunk(noise))
    assert backend.connection.unread > len(noise) / 2
    client.read_on()
    backend.answer(b"0\r\n\r\n")
    assert decompressed(b"gzip", unchunked(content(client.received))) == noise


class Measured(Exchange):
    """Says how much of a response came at once."""

    sizes: ClassVar[list[int]] = []

    def response_more(self, chunk: bytes) -> None:
        self.sizes.append(len(chunk))
        super().response_more(chunk)


@pytest.mark.parametrize(("content_type", "most"), [(b"text/html", 32 * 1024), (b"image/png", 256 * 1024)])
def test_what_costs_much_comes_in_smaller_pieces(content_type: bytes, most: int) -> None:
    network = FilteredNetwork(compression={}, make=Measured)
    client, backend = network.client(), network.backend()
    Measured.sizes.clear()
    client.send(get())
    backend.answer(answer(TEXT * 200, content_type=content_type))
    assert max(Measured.sizes) == most


@settings(max_examples=60)
@given(
    coding=st.sampled_from(CODING_NAMES),
    body=st.one_of(st.binary(max_size=3000), st.text("ab\n", max_size=20_000).map(str.encode)),
    cuts=st.lists(st.integers(0, 20_000), max_size=6),
    how=st.sampled_from(["length", "chunked", "close"]),
)
def test_any_response_cut_anyhow_is_what_the_backend_sent(
    coding: bytes, body: bytes, cuts: list[int], how: str
) -> None:
    network = FilteredNetwork(compression={"least_bytes": 1})
    client, backend = network.client(), network.backend()
    client.send(get(coding))
    if how == "length":
        backend.answer(answer(body), cuts=sorted(cuts))
    elif how == "chunked":
        backend.answer(chunked_answer((chunk(body) if body else b"") + b"0\r\n\r\n"), cuts=sorted(cuts))
    else:
        backend.answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body, cuts=sorted(cuts))
        backend.connection.close()
    received = content(client.received)
    if b"Transfer-Encoding: chunked" in head(client.received):
        received = unchunked(received)
    if b"Content-Encoding" in head(client.received):
        received = decompressed(coding, received)
    assert received == body
    assert network.places.taken == network.in_flight == 0
