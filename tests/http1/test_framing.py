"""How long is a body? A table for each side, over what two parsers could read differently."""

import pytest

from openprequal.http1.errors import MalformedMessage, UnknownTransferCoding
from openprequal.http1.framing import CHUNKED, UNTIL_CLOSE, request_length, response_length


@pytest.mark.parametrize(
    ("minor", "lengths", "codings", "expected"),
    [
        (1, [], [], 0),
        (0, [], [], 0),
        (1, [b"0"], [], 0),
        (1, [b"5"], [], 5),
        (0, [b"5"], [], 5),
        (1, [b"007"], [], 7),
        (1, [b"9" * 18], [], 10**18 - 1),
        (1, [], [b"chunked"], CHUNKED),
        (1, [], [b"CHUNKED"], CHUNKED),
        (1, [], [b" chunked , "], CHUNKED),
        (1, [], [b"", b"chunked"], CHUNKED),
    ],
)
def test_the_length_of_a_request(minor: int, lengths: list[bytes], codings: list[bytes], expected: int) -> None:
    assert request_length(minor, lengths, codings) == expected


AMBIGUOUS = [
    (1, [b"5", b"5"], []),
    (1, [b"5", b"6"], []),
    (1, [b"5, 5"], []),
    (1, [b"+5"], []),
    (1, [b"-1"], []),
    (1, [b"0x5"], []),
    (1, [b"5 5"], []),
    (1, [b""], []),
    (1, ["\N{ARABIC-INDIC DIGIT FIVE}".encode()], []),
    (1, [b"9" * 19], []),
    (1, [b"5"], [b"chunked"]),
    (0, [], [b"chunked"]),
    (1, [], [b""]),
    (1, [], [b"chunked", b"chunked"]),
    (1, [], [b"chunked, gzip"]),
    (1, [], [b"chunked, identity"]),
]


@pytest.mark.parametrize(("minor", "lengths", "codings"), AMBIGUOUS)
def test_an_ambiguous_length_is_refused_in_a_request(minor: int, lengths: list[bytes], codings: list[bytes]) -> None:
    with pytest.raises(MalformedMessage) as refused:
        request_length(minor, lengths, codings)
    assert not isinstance(refused.value, UnknownTransferCoding)


@pytest.mark.parametrize(("minor", "lengths", "codings"), AMBIGUOUS)
@pytest.mark.parametrize(("method", "status"), [(b"GET", 200), (b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
def test_an_ambiguous_length_is_refused_in_a_response(
    method: bytes, status: int, minor: int, lengths: list[bytes], codings: list[bytes]
) -> None:
    with pytest.raises(MalformedMessage):
        response_length(method, status, minor, lengths, codings)


@pytest.mark.parametrize("coding", [b"gzip", b"xchunked", b"identity", b"gzip, chunked", b'chunked;q="x"', b"x y"])
def test_an_unknown_transfer_coding_is_told_apart(coding: bytes) -> None:
    with pytest.raises(UnknownTransferCoding):
        request_length(1, [], [coding])


@pytest.mark.parametrize(
    ("method", "status", "lengths", "codings", "expected"),
    [
        (b"GET", 200, [], [], UNTIL_CLOSE),
        (b"GET", 200, [b"5"], [], 5),
        (b"GET", 200, [], [b"chunked"], CHUNKED),
        (b"HEAD", 200, [b"5"], [], 0),
        (b"HEAD", 200, [], [b"chunked"], 0),
        (b"HEAD", 200, [], [], 0),
        (b"GET", 204, [], [], 0),
        (b"GET", 304, [b"5"], [], 0),
        (b"GET", 304, [], [b"chunked"], 0),
        (b"GET", 100, [], [], 0),
        (b"GET", 103, [], [], 0),
    ],
)
def test_the_length_of_a_response(
    method: bytes, status: int, lengths: list[bytes], codings: list[bytes], expected: int
) -> None:
    assert response_length(method, status, 1, lengths, codings) == expected
