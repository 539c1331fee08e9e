"""Requests whose end two parsers could see in different places: lengths and transfer codings (RFC 9112 section 6)."""

from .case import HOST, Case
from .phrases import CHUNKED, message, passed, refused

POST = b"POST / HTTP/1.1"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
LENGTH = "RFC 9112 6.3 / 9110 8.6"
CODING = "RFC 9112 6.1"


def with_length(name: str, value: bytes, status: int | tuple[int, ...] = 400) -> Case:
    """A POST whose only length has this value."""
    return refused(name, LENGTH, message(POST, HOST, b"Content-Length:" + value, body=b"hello"), status)


def with_coding(name: str, *lines: bytes, status: int | tuple[int, ...] = 400, section: str = CODING) -> Case:
    """A POST with these Transfer-Encoding lines and a chunked body."""
    return refused(name, section, message(POST, HOST, *lines, body=CHUNKS), status)


MALFORMED_LENGTHS = [
    ("plus sign", b" +5"),
    ("minus sign", b" -5"),
    ("minus zero", b" -0"),
    ("hexadecimal", b" 0x5"),
    ("underscore", b" 1_0"),
    ("empty", b""),
    ("only spaces", b"   "),
    ("list of different values", b" 5, 6"),
    ("list of equal values", b" 5, 5"),
    ("list without space", b" 5,5"),
    ("trailing comma", b" 5,"),
    ("leading comma", b" ,5"),
    ("inner space", b" 5 5"),
    ("decimal point", b" 5.0"),
    ("exponent", b" 5e0"),
    ("letters", b" five"),
    ("trailing letter", b" 5a"),
    ("semicolon", b" 5;"),
    ("quoted", b' "5"'),
    ("arabic-indic digit", b" \xd9\xa5"),
    ("vertical tab before", b" \x0b5"),
    ("form feed after", b" 5\x0c"),
    ("no-break space", b" \xa05"),
    ("NUL after", b" 5\x00"),
]

CODINGS: list[tuple[str, bytes, int | tuple[int, ...]]] = [
    ("an unknown coding", b"Transfer-Encoding: xchunked", (400, 501)),
    ("a coding whose name begins with chunked", b"Transfer-Encoding: chunkedx", (400, 501)),
    ("identity", b"Transfer-Encoding: identity", (400, 501)),
    ("gzip alone", b"Transfer-Encoding: gzip", (400, 501)),
    ("gzip before chunked", b"Transfer-Encoding: gzip, chunked", (400, 501)),
    ("chunked before gzip", b"Transfer-Encoding: chunked, gzip", (400, 501)),
    ("chunked before identity", b"Transfer-Encoding: chunked, identity", (400, 501)),
    ("identity before chunked", b"Transfer-Encoding: identity, chunked", (400, 501)),
    ("chunked twice in a list", b"Transfer-Encoding: chunked, chunked", (400, 501)),
    ("chunked with a parameter", b"Transfer-Encoding: chunked;a=b", (400, 501)),
    ("quoted chunked", b'Transfer-Encoding: "chunked"', (400, 501)),
    ("an empty coding", b"Transfer-Encoding:", (400, 501)),
    ("a lone comma", b"Transfer-Encoding: ,", (400, 501)),
    ("vertical tab before chunked", b"Transfer-Encoding: \x0bchunked", (400, 501)),
    ("form feed after chunked", b"Transfer-Encoding: chunked\x0c", (400, 501)),
    ("NUL after chunked", b"Transfer-Encoding: chunked\x00", (400, 501)),
    ("no-break space before chunked", b"Transfer-Encoding: \xa0chunked", (400, 501)),
    ("an inner space", b"Transfer-Encoding: chun ked", (400, 501)),
    ("a folded chunked", b"Transfer-Encoding:\r\n chunked", 400),
]

CASES: list[Case] = [
    *[with_length(f"length malformed: {name}", value) for name, value in MALFORMED_LENGTHS],
    *[
        with_length(f"length malformed: {name}", value, (400, 413))
        for name, value in [
            ("over 64 bits", b" 18446744073709551621"),
            ("over 63 bits", b" 9223372036854775813"),
            ("hundreds of digits", b" " + b"9" * 400),
        ]
    ],
    *[with_coding(f"transfer coding: {name}", line, status=status) for name, line, status in CODINGS],
    refused(
        "Content-Length and Transfer-Encoding",
        "RFC 9112 6.3 item 3",
        message(POST, HOST, b"Content-Length: 5", CHUNKED, body=CHUNKS + SMUGGLED),
    ),
    refused(
        "Transfer-Encoding and Content-Length",
        "RFC 9112 6.3 item 3",
        message(POST, HOST, CHUNKED, b"Content-Length: 5", body=CHUNKS),
    ),
    refused(
        "Content-Length 0 and Transfer-Encoding",
        "RFC 9112 6.3 item 3",
        message(POST, HOST, b"Content-Length: 0", CHUNKED, body=CHUNKS),
    ),
    refused(
        "Content-Length and an unknown coding",
        "RFC 9112 6.3 item 3",
        message(POST, HOST, b"Content-Length: 5", b"Transfer-Encoding: xchunked", body=b"hello"),
        (400, 501),
    ),
    refused(
        "two differing lengths",
        LENGTH,
        message(POST, HOST, b"Content-Length: 5", b"Content-Length: 6", body=b"hello" + SMUGGLED),
    ),
    refused(
        "two equal lengths", LENGTH, message(POST, HOST, b"Content-Length: 5", b"Content-Length: 5", body=b"hello")
    ),
    refused(
        "two lengths, names in other case",
        LENGTH,
        message(POST, HOST, b"content-length: 0", b"CONTENT-LENGTH: 5", body=b"hello"),
    ),
    refused(
        "a GET with two lengths", LENGTH, message(b"GET / HTTP/1.1", HOST, b"Content-Length: 0", b"Content-Length: 5")
    ),
    with_coding("chunked twice in two lines", CHUNKED, CHUNKED, status=(400, 501)),
    with_coding("gzip in a line of its own", b"Transfer-Encoding: gzip", CHUNKED, status=(400, 501)),
    with_coding("identity after chunked in its own line", CHUNKED, b"Transfer-Encoding: identity", status=(400, 501)),
    with_coding("space before the colon", b"Transfer-Encoding : chunked", section="RFC 9112 5.1"),
    with_coding("tab before the colon", b"Transfer-Encoding\t: chunked", section="RFC 9112 5.1"),
    with_coding("a space before the name", b" Transfer-Encoding: chunked", section="RFC 9112 5.2"),
    with_coding("a NUL in the name", b"Transfer\x00-Encoding: chunked", section="RFC 9110 5.1"),
    refused("Transfer-Encoding in HTTP/1.0", CODING, message(b"POST / HTTP/1.0", HOST, CHUNKED, body=CHUNKS)),
    refused(
        "Transfer-Encoding in HTTP/1.0 with keep-alive",
        CODING,
        message(b"POST / HTTP/1.0", HOST, b"Connection: keep-alive", CHUNKED, body=CHUNKS + SMUGGLED),
    ),
    refused(
        "a GET with an unknown coding", CODING, message(b"GET / HTTP/1.1", HOST, b"Transfer-Encoding: x"), (400, 501)
    ),
    passed(
        "a body of known length",
        "RFC 9112 6.2",
        message(POST, HOST, b"Content-Length: 5", body=b"hello"),
        POST,
        has=(b"Content-Length: 5",),
        body=b"hello",
    ),
    passed(
        "a length with leading zeros",
        "RFC 9110 8.6",
        message(POST, HOST, b"Content-Length: 0005", body=b"hello"),
        POST,
        body=b"hello",
        lacks=(b"transfer-encoding",),
    ),
    passed(
        "a length with tabs and spaces around it",
        "RFC 9112 5.1",
        message(POST, HOST, b"Content-Length: \t 5 \t", body=b"hello"),
        POST,
        has=(b"Content-Length: 5",),
        body=b"hello",
    ),
    passed("length 0", "RFC 9110 8.6", message(POST, HOST, b"Content-Length: 0"), POST, has=(b"Content-Length: 0",)),
    passed("a POST without framing has no body", "RFC 9112 6.3 item 7", message(POST, HOST), POST, body=b""),
    passed(
        "a GET with a body",
        "RFC 9110 9.3.1",
        message(b"GET / HTTP/1.1", HOST, b"Content-Length: 5", body=b"hello"),
        b"GET / HTTP/1.1",
        body=b"hello",
    ),
    passed("a chunked body", CODING, message(POST, HOST, CHUNKED, body=CHUNKS), POST, body=b"hello"),
    passed(
        "the coding's name in any case",
        "RFC 9112 7",
        message(POST, HOST, b"Transfer-Encoding: CHunked", body=CHUNKS),
        POST,
        body=b"hello",
    ),
    passed(
        "a chunked GET",
        "RFC 9110 9.3.1",
        message(b"GET / HTTP/1.1", HOST, CHUNKED, body=CHUNKS),
        b"GET / HTTP/1.1",
        body=b"hello",
    ),
    passed(
        "a chunked DELETE",
        "RFC 9110 9.3.5",
        message(b"DELETE /x HTTP/1.1", HOST, CHUNKED, body=CHUNKS),
        b"DELETE /x HTTP/1.1",
        body=b"hello",
    ),
]
