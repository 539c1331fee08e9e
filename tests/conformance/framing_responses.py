"""What a backend may answer, and what must become of it when that is not exactly HTTP/1 (RFC 9112 sections 4 to 8)."""

from .case import HOST, Act, Answer, Case, Ends, Look, Script, Seen
from .phrases import CHUNKED, GET, OK, answered, bad_gateway, cut_off, message

POISON = message(OK, b"Content-Length: 6", body=b"poison")
LENGTH = "RFC 9112 6.3 item 5"
CODING = "RFC 9112 6.3 item 4"
CHUNK = "RFC 9112 7.1"
CLOSE = "RFC 9112 6.3 item 8"


def bad(name: str, section: str, *lines: bytes, body: bytes = b"") -> Case:
    """A response whose head must not be believed."""
    return bad_gateway(f"response: {name}", section, message(*lines, body=body))


def bad_chunk(name: str, body: bytes) -> Case:
    """A chunked response with a fault after its first, good chunk."""
    return cut_off(f"response: {name}", CHUNK, message(OK, CHUNKED, body=b"2\r\nok\r\n" + body))


CASES: list[Case] = [
    bad(
        "Content-Length and Transfer-Encoding",
        "RFC 9112 6.3 item 3",
        OK,
        b"Content-Length: 5",
        CHUNKED,
        body=b"0\r\n\r\n" + POISON,
    ),
    bad(
        "Transfer-Encoding and Content-Length",
        "RFC 9112 6.3 item 3",
        OK,
        CHUNKED,
        b"Content-Length: 5",
        body=b"0\r\n\r\n" + POISON,
    ),
    bad("two differing lengths", LENGTH, OK, b"Content-Length: 2", b"Content-Length: 3", body=b"ok" + POISON),
    bad("two equal lengths", LENGTH, OK, b"Content-Length: 2", b"Content-Length: 2", body=b"ok"),
    bad("a list of lengths", LENGTH, OK, b"Content-Length: 2, 3", body=b"ok" + POISON),
    *[
        bad(f"length {value!r}", LENGTH, OK, b"Content-Length:" + value, body=b"ok" + POISON)
        for value in (b" +2", b" -2", b" 0x2", b"", b" 2a", b" 2 2", b" 18446744073709551618", b" 1_0", b" \x0b2")
    ],
    bad("an unknown coding", CODING, OK, b"Transfer-Encoding: xchunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    bad("gzip after chunked", CODING, OK, b"Transfer-Encoding: chunked, gzip", body=b"2\r\nok\r\n0\r\n\r\n"),
    bad("gzip before chunked", CODING, OK, b"Transfer-Encoding: gzip, chunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    bad("chunked twice", CODING, OK, CHUNKED, CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n"),
    bad("identity", CODING, OK, b"Transfer-Encoding: identity", body=b"ok"),
    bad("Transfer-Encoding in HTTP/1.0", "RFC 9112 6.1", b"HTTP/1.0 200 OK", CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n"),
    bad("a space before the colon", "RFC 9112 5.1", OK, b"Content-Length : 2", body=b"ok"),
    bad("a tab before the coding's colon", "RFC 9112 5.1", OK, b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"),
    bad("no colon", "RFC 9112 5", OK, b"X-A", b"Content-Length: 2", body=b"ok"),
    bad("a folded field", "RFC 9112 5.2", OK, b"X-A: 1\r\n 2", b"Content-Length: 2", body=b"ok"),
    bad("a NUL in a value", "RFC 9110 5.5", OK, b"X-A: 1\x002", b"Content-Length: 2", body=b"ok"),
    bad("a control character in a value", "RFC 9110 5.5", OK, b"X-A: 1\x012", b"Content-Length: 2", body=b"ok"),
    bad("a bare CR in a value", "RFC 9112 2.2", OK, b"X-A: 1\r2", b"Content-Length: 2", body=b"ok"),
    bad("a bare LF between fields", "RFC 9112 2.2", OK, b"X-A: 1\nX-B: 2", b"Content-Length: 2", body=b"ok"),
    bad("a space in a name", "RFC 9110 5.1", OK, b"X A: 1", b"Content-Length: 2", body=b"ok"),
    bad("HTTP/2.0", "RFC 9112 2.3", b"HTTP/2.0 200 OK", b"Content-Length: 2", body=b"ok"),
    bad("another protocol", "RFC 9112 2.3", b"ICY 200 OK", b"Content-Length: 2", body=b"ok"),
    bad("http in lower case", "RFC 9112 2.3", b"http/1.1 200 OK", b"Content-Length: 2", body=b"ok"),
    bad("a status of two digits", "RFC 9112 4", b"HTTP/1.1 20 OK", b"Content-Length: 2", body=b"ok"),
    bad("a status of four digits", "RFC 9112 4", b"HTTP/1.1 2000 OK", b"Content-Length: 2", body=b"ok"),
    bad("a status of letters", "RFC 9112 4", b"HTTP/1.1 OK", b"Content-Length: 2", body=b"ok"),
    bad("a negative status", "RFC 9112 4", b"HTTP/1.1 -20 OK", b"Content-Length: 2", body=b"ok"),
    bad("status 099", "RFC 9110 15", b"HTTP/1.1 099 No", b"Content-Length: 2", body=b"ok"),
    bad("two spaces before the status", "RFC 9112 4", b"HTTP/1.1  200 OK", b"Content-Length: 2", body=b"ok"),
    bad("a control character in the reason", "RFC 9112 4", b"HTTP/1.1 200 O\x01K", b"Content-Length: 2", body=b"ok"),
    bad("a body without a head", "RFC 9112 2.1", b"<html>poison</html>"),
    bad("a request", "RFC 9112 2.1", b"GET / HTTP/1.1", HOST),
    bad_gateway("response: closed without a byte", "RFC 9110 15.6.3", (Act.BODY, Act.CLOSE)),
    bad_gateway("response: reset without a byte", "RFC 9110 15.6.3", (Act.BODY, Act.RESET)),
    bad_gateway("response: closed within the status line", "RFC 9112 8", (Act.BODY, b"HTTP/1.1 20", Act.CLOSE)),
    bad_gateway("response: closed within the head", "RFC 9112 8", (Act.BODY, OK + b"\r\nContent-Le", Act.CLOSE)),
    bad_gateway(
        "response: closed after an interim response",
        "RFC 9112 8",
        (Act.BODY, message(b"HTTP/1.1 100 Continue"), Act.CLOSE),
    ),
    bad_gateway(
        "response: bytes over TLS", "RFC 9112 2.1", b"\x15\x03\x01\x00\x02\x02\x0a" + b"\x00" * 8 + b"\r\n\r\n"
    ),
    bad_gateway("response: a head that never ends", "RFC 6585 5", OK + b"\r\nX-A: " + b"a" * 300_000 + b"\r\n\r\n"),
    bad_gateway(
        "response: 101 that nobody asked for",
        "RFC 9110 7.8",
        message(b"HTTP/1.1 101 Switching Protocols", b"Connection: upgrade", b"Upgrade: x"),
    ),
    cut_off("response: shorter than its length", "RFC 9112 8", message(OK, b"Content-Length: 9", body=b"ok")),
    cut_off(
        "response: reset within its length",
        "RFC 9112 8",
        (Act.BODY, message(OK, b"Content-Length: 9", body=b"ok"), Act.RESET),
    ),
    cut_off("response: chunks without the last", "RFC 9112 8", message(OK, CHUNKED, body=b"2\r\nok\r\n")),
    cut_off("response: cut within a chunk", "RFC 9112 8", message(OK, CHUNKED, body=b"9\r\nok")),
    cut_off("response: cut after the last chunk's line", "RFC 9112 8", message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\n")),
    bad_chunk("a chunk size that is no number", b"g\r\nok\r\n0\r\n\r\n"),
    bad_chunk("a chunk size with a minus", b"-2\r\nok\r\n0\r\n\r\n"),
    bad_chunk("a chunk size with 0x", b"0x2\r\nok\r\n0\r\n\r\n"),
    bad_chunk("a chunk size over 64 bits", b"10000000000000002\r\nok\r\n0\r\n\r\n"),
    bad_chunk("a chunk without CRLF after it", b"2\r\nokX\r\n0\r\n\r\n"),
    bad_chunk("a chunk size ended by LF", b"2\nok\r\n0\r\n\r\n"),
    bad_chunk("a bad trailer", b"0\r\nX-T : 1\r\n\r\n"),
    bad_chunk("a chunk extension with a bare LF", b"2;a\nb\r\nok\r\n0\r\n\r\n"),
    answered(
        "response: of known length",
        LENGTH,
        message(OK, b"Content-Length: 2", body=b"ok"),
        has=(b"Content-Length: 2",),
        body=b"ok",
    ),
    answered("response: of length 0", LENGTH, message(OK, b"Content-Length: 0"), has=(b"Content-Length: 0",), body=b""),
    answered(
        "response: chunked",
        CODING,
        message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n"),
        body=b"ok",
        lacks=(b"content-length",),
    ),
    answered(
        "response: chunked, in capitals",
        "RFC 9112 7",
        message(OK, b"Transfer-Encoding: CHUNKED", body=b"2\r\nok\r\n0\r\n\r\n"),
        body=b"ok",
    ),
    answered(
        "response: chunk extensions are dropped",
        "RFC 9112 7.1.1",
        message(OK, CHUNKED, body=b"2;ext=1\r\nok\r\n0\r\n\r\n"),
        body=b"ok",
        raw_lacks=b"ext",
    ),
    answered("response: an empty chunked body", CODING, message(OK, CHUNKED, body=b"0\r\n\r\n"), body=b""),
    Case(
        "response: read to its close, kept apart by chunks",
        CLOSE,
        (GET,),
        (Answer((200,), Look(body=b"until the end"), framing=("chunked", "close")),),
        replies=((Act.BODY, message(OK, body=b"until the end"), Act.CLOSE),),
    ),
    Case(
        "response: empty, read to its close",
        CLOSE,
        (GET,),
        (Answer((200,), Look(body=b"")),),
        replies=((Act.BODY, message(OK), Act.CLOSE),),
    ),
    Case(
        "response: of HTTP/1.0, read to its close",
        CLOSE,
        (GET,),
        (Answer((200,), Look(body=b"old", verbatim=())),),
        replies=((Act.BODY, message(b"HTTP/1.0 200 OK", body=b"old"), Act.CLOSE),),
    ),
    Case(
        "response: of HTTP/1.0 with a length, then closed",
        "RFC 9112 9.3",
        (GET,),
        (Answer((200,), Look(body=b"old")),),
        Ends.OPEN,
        replies=((Act.BODY, message(b"HTTP/1.0 200 OK", b"Content-Length: 3", body=b"old"), Act.CLOSE),),
    ),
]


def surplus(name: str, first: Script) -> Case:
    """More bytes than the response: they must not answer the next request, on whatever connection that goes."""
    return Case(
        f"response: {name} reaches nobody",
        "RFC 9112 9.2",
        (GET, GET),
        (Answer((200,), Look(body=b"ok")), Answer((200,), Look(body=b"two"))),
        Ends.OPEN,
        replies=(first, (Act.BODY, message(OK, b"Content-Length: 3", body=b"two"))),
        seen=(Seen(), Seen()),
    )


CASES += [
    surplus("a second response", (Act.BODY, message(OK, b"Content-Length: 2", body=b"ok") + POISON)),
    surplus("garbage after its length", (Act.BODY, message(OK, b"Content-Length: 2", body=b"okpoison"))),
    surplus("a second response after chunks", (Act.BODY, message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n") + POISON)),
]
