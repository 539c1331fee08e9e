"""Where does a body end, however its bytes are cut on the way?"""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.http1.body import (
    MAX_CHUNK_LINE,
    MAX_TRAILERS,
    BodyDecoder,
    body_decoder,
    chunk,
    last_chunk,
)
from openprequal.http1.errors import FieldsTooLarge, MalformedMessage
from openprequal.http1.fields import Field
from openprequal.http1.framing import CHUNKED, UNTIL_CLOSE

Decoded = tuple[bytes, bytes | None, list[tuple[bytes, bytes]]]


def decode(decoder: BodyDecoder, data: bytes, cuts: Iterable[int] = ()) -> Decoded:
    """Content, what came after it (None: it has not ended) and trailers of *data*, fed in pieces cut at *cuts*."""
    content: list[bytes] = []
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        piece, start = data[start:cut], max(start, cut)
        got, rest = decoder.feed(piece)
        content.append(got)
        if rest is not None:
            return b"".join(content), rest + data[start:], [(f.name, f.value) for f in decoder.trailers]
    return b"".join(content), None, []


def verdict(data: bytes, cuts: Iterable[int] = ()) -> Decoded | type[MalformedMessage]:
    """What decoding *data* as chunked gives, the refusal included."""
    try:
        return decode(body_decoder(CHUNKED), data, cuts)
    except MalformedMessage:
        return MalformedMessage


GOOD = [
    (b"0\r\n\r\n", b""),
    (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"A\r\n0123456789\r\n000\r\n\r\n", b"0123456789"),
    (b"5;a=b\r\nhello\r\n0;last\r\n\r\n", b"hello"),
    (b'5 ; a = "x\\";\t" ;b\r\nhello\r\n0\r\n\r\n', b"hello"),
    (b"2\r\n\r\n\r\n1\r\n0\r\n0\r\n\r\n", b"\r\n0"),
]

BAD = [
    b"\r\n",
    b"g\r\n",
    b"0x5\r\nhello\r\n",
    b"-1\r\n",
    b"+5\r\nhello\r\n",
    b" 5\r\nhello\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"5\nhello\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"1" + b"0" * 15 + b"\r\n",
    b"5;\x00\r\nhello\r\n",
    b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    b"5;a=\r\nhello\r\n0\r\n\r\n",
    b'5;a="b\r\nhello\r\n0\r\n\r\n',
    b"5;=b\r\nhello\r\n0\r\n\r\n",
    b"0\r\nX: a\nY: b\r\n\r\n",
    b"0\r\n X: a\r\n\r\n",
    b"0\r\nX : a\r\n\r\n",
    b"0\r\nno colon\r\n\r\n",
    b"0\r\n\rX: a\r\n\r\n",
]


@pytest.mark.parametrize(("data", "content"), GOOD)
def test_good_chunks_are_decoded_however_they_are_cut_in_two(data: bytes, content: bytes) -> None:
    for cut in range(len(data) + 1):
        assert verdict(data + b"NEXT", [cut]) == (content, b"NEXT", [])


@pytest.mark.parametrize(("data", "content"), GOOD)
def test_good_chunks_are_decoded_byte_by_byte(data: bytes, content: bytes) -> None:
    assert verdict(data, range(1, len(data))) == (content, b"", [])


@pytest.mark.parametrize(("data", "_content"), GOOD)
def test_chunks_that_are_not_complete_have_not_ended(data: bytes, _content: bytes) -> None:
    for end in range(len(data)):
        decoder = body_decoder(CHUNKED)
        assert decode(decoder, data[:end])[1] is None
        assert not decoder.at_close()


@pytest.mark.parametrize("data", BAD)
def test_bad_chunks_are_refused_however_they_are_cut(data: bytes) -> None:
    assert verdict(data) is MalformedMessage
    assert verdict(data, range(1, len(data))) is MalformedMessage
    for cut in range(len(data)):
        assert verdict(data, [cut]) is MalformedMessage


def test_trailers_are_kept_in_order() -> None:
    data = b"1\r\nx\r\n0\r\nA: 1\r\nb:2\r\nA: 3\r\n\r\n"
    for cut in range(len(data)):
        assert verdict(data, [cut]) == (b"x", b"", [(b"A", b"1"), (b"b", b"2"), (b"A", b"3")])


@pytest.mark.parametrize("size", [MAX_CHUNK_LINE - 1, MAX_CHUNK_LINE, MAX_CHUNK_LINE + 1])
def test_the_limit_on_a_chunk_line_does_not_depend_on_how_it_is_cut(size: int) -> None:
    data = b"1;" + b"a" * (size - 2) + b"\r\nx\r\n0\r\n\r\n"
    expected: object = (b"x", b"", []) if size <= MAX_CHUNK_LINE else MalformedMessage
    for cut in (1, size - 1, size, size + 1, size + 2):
        assert verdict(data, [cut]) == expected


@pytest.mark.parametrize("size", [MAX_TRAILERS - 1, MAX_TRAILERS, MAX_TRAILERS + 1])
def test_the_limit_on_trailers_does_not_depend_on_how_they_are_cut(size: int) -> None:
    data = b"0\r\nX: " + b"a" * (size - 3) + b"\r\n\r\n"
    expected: object = (b"", b"", [(b"X", b"a" * (size - 3))]) if size <= MAX_TRAILERS else MalformedMessage
    for cut in range(size, len(data) + 1):
        assert verdict(data, [cut]) == expected


def test_an_endless_chunk_line_is_refused_before_its_end() -> None:
    assert verdict(b"1;" + b"a" * (MAX_CHUNK_LINE + 2)) is MalformedMessage


def test_endless_trailers_are_refused_before_their_end() -> None:
    with pytest.raises(FieldsTooLarge):
        body_decoder(CHUNKED).feed(b"0\r\n" + b"X: a\r\n" * MAX_TRAILERS)


@st.composite
def chunked_bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """(encoded, content): any content in any chunks, with some extensions."""
    pieces = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
    extension = draw(st.sampled_from([b"", b";a", b';n="v\\"w"', b" ; x=y"]))
    encoded = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return encoded + b"0\r\n" + draw(st.sampled_from([b"", b"T: 1\r\n", b"T:\r\nU: 2\r\n"])) + b"\r\n", b"".join(pieces)


CUTS = st.lists(st.integers(0, 300), max_size=12)


@given(chunked_bodies(), CUTS)
def test_any_cutting_gives_the_same_content(body: tuple[bytes, bytes], cuts: list[int]) -> None:
    data, content = body
    whole = verdict(data + b"rest")
    assert whole == verdict(data + b"rest", cuts)
    assert whole[:2] == (content, b"rest")  # type: ignore[index]


@given(chunked_bodies(), st.data())
def test_a_mutated_body_is_judged_alike_however_it_is_cut(body: tuple[bytes, bytes], data: st.DataObject) -> None:
    encoded, _ = body
    at = data.draw(st.integers(0, len(encoded) - 1))
    gone = data.draw(st.integers(0, 3))
    put = data.draw(st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"0", b"f", b";", b'"', b"\x00", b" ", b":"]))
    mutant = encoded[:at] + put + encoded[at + gone :] + b"\r\n\r\n"
    whole = verdict(mutant)
    assert verdict(mutant, data.draw(CUTS)) == whole
    assert verdict(mutant, range(1, len(mutant))) == whole


@given(st.lists(st.binary(max_size=30), max_size=4), st.booleans())
def test_what_we_chunk_is_decoded_again(pieces: list[bytes], with_trailers: bool) -> None:
    trailers = [Field(b"X-A", b"1")] if with_trailers else []
    wire = b"".join(map(chunk, pieces)) + last_chunk(trailers)
    assert verdict(wire) == (b"".join(pieces), b"", [(b"X-A", b"1")] if with_trailers else [])


@given(st.integers(1, 60), st.binary(max_size=80), CUTS)
def test_a_body_of_known_length_ends_where_it_says(length: int, data: bytes, cuts: list[int]) -> None:
    expected = (data[:length], data[length:] if len(data) >= length else None, [])
    assert decode(body_decoder(length), data, cuts) == expected


def test_a_body_of_known_length_is_not_ended_by_closing() -> None:
    decoder = body_decoder(2)
    decoder.feed(b"x")
    assert not decoder.at_close()


def test_a_body_until_close_is_ended_by_closing_only() -> None:
    decoder = body_decoder(UNTIL_CLOSE)
    assert decoder.feed(b"x") == (b"x", None)
    assert decoder.at_close()
