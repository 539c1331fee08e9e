"""Chunked request bodies, good and bad, and their trailers (RFC 9112 section 7.1)."""

from .case import HOST, Act, Answer, Case, Ends, Look, Seen
from .phrases import broken_off, message, passed

HEAD = (b"POST / HTTP/1.1", HOST, b"Transfer-Encoding: chunked")
CHUNK = "RFC 9112 7.1"
EXTENSION = "RFC 9112 7.1.1"
TRAILER = "RFC 9112 7.1.2"


def bad(name: str, chunks: bytes, section: str = CHUNK, status: int | tuple[int, ...] = 400) -> Case:
    """A chunked body that must be refused wherever its fault is."""
    return broken_off(f"chunk: {name}", section, message(*HEAD, body=chunks), status)


def good(name: str, chunks: bytes, section: str = CHUNK, **look: object) -> Case:
    """A chunked body that holds ``hello``."""
    return passed(f"chunk: {name}", section, message(*HEAD, body=chunks), HEAD[0], **{"body": b"hello", **look})  # type: ignore[arg-type]


def cut_short(name: str, sent: bytes) -> Case:
    """The client ends its half before its request is complete: the backend must not take it for a whole one."""
    part = Seen(complete=False, optional=True)
    return Case(name, "RFC 9112 8", (sent, Act.SHUT), (Answer((0, 400, 408)),), Ends.CLOSED, seen=(part,))


CASES: list[Case] = [
    bad("size with a minus", b"-5\r\nhello\r\n0\r\n\r\n"),
    bad("size with a plus", b"+5\r\nhello\r\n0\r\n\r\n"),
    bad("size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"),
    bad("size with an underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
    bad("size that is no number", b"g\r\nhello\r\n0\r\n\r\n"),
    bad("an empty size", b"\r\nhello\r\n0\r\n\r\n"),
    bad("only an extension", b";a\r\nhello\r\n0\r\n\r\n"),
    bad("size over 64 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n", status=(400, 413)),
    bad("size of all ones in 64 bits", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", status=(400, 413)),
    bad("a space before the size", b" 5\r\nhello\r\n0\r\n\r\n"),
    bad("a space within the size", b"0 5\r\nhello\r\n0\r\n\r\n"),
    bad("a vertical tab after the size", b"5\x0b\r\nhello\r\n0\r\n\r\n"),
    bad("a NUL after the size", b"5\x00\r\nhello\r\n0\r\n\r\n"),
    bad("a size line ended by LF", b"5\nhello\r\n0\r\n\r\n"),
    bad("a size line ended by CR", b"5\rhello\r\n0\r\n\r\n"),
    bad("more bytes than its size", b"5\r\nhello!\r\n0\r\n\r\n"),
    bad("fewer bytes than its size", b"6\r\nhello\r\n0\r\n\r\n"),
    bad("no CRLF after its bytes", b"5\r\nhello0\r\n\r\n"),
    bad("bytes ended by LF", b"5\r\nhello\n0\r\n\r\n"),
    bad("bytes ended by CR", b"5\r\nhello\r0\r\n\r\n"),
    bad("the last chunk ended by LF", b"5\r\nhello\r\n0\n\r\n"),
    bad("the whole ended by LF", b"5\r\nhello\r\n0\r\n\n"),
    bad("an extension with a bare LF", b"5;a\nb\r\nhello\r\n0\r\n\r\n", EXTENSION),
    bad("an extension with a bare CR", b"5;a\rb\r\nhello\r\n0\r\n\r\n", EXTENSION),
    bad("an extension with a NUL", b"5;a=\x00\r\nhello\r\n0\r\n\r\n", EXTENSION),
    bad("an extension with a control character", b"5;a=\x01\r\nhello\r\n0\r\n\r\n", EXTENSION),
    bad("a giant extension", b"5;" + b"a" * 70_000 + b"\r\nhello\r\n0\r\n\r\n", EXTENSION, (400, 413, 431)),
    bad("a word after the size", b"5 a\r\nhello\r\n0\r\n\r\n", EXTENSION),
    bad("an unclosed quoted extension", b'5;a="b\r\nhello\r\n0\r\n\r\n', EXTENSION),
    bad("a trailer with a space before its colon", b"5\r\nhello\r\n0\r\nX-T : 1\r\n\r\n", TRAILER),
    bad("a trailer without a colon", b"5\r\nhello\r\n0\r\nX-T\r\n\r\n", TRAILER),
    bad("a folded trailer", b"5\r\nhello\r\n0\r\nX-T: 1\r\n 2\r\n\r\n", TRAILER),
    bad("a trailer with a NUL", b"5\r\nhello\r\n0\r\nX-T: \x00\r\n\r\n", TRAILER),
    bad("a trailer ended by LF", b"5\r\nhello\r\n0\r\nX-T: 1\n\r\n", TRAILER),
    bad("giant trailers", b"5\r\nhello\r\n0\r\nX-T: " + b"a" * 70_000 + b"\r\n\r\n", TRAILER, (400, 413, 431)),
    good("several", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
    good("of one byte each", b"".join(b"1\r\n%c\r\n" % byte for byte in b"hello") + b"0\r\n\r\n"),
    good("size with leading zeros", b"0005\r\nhello\r\n0\r\n\r\n"),
    good("size in upper case", b"A\r\nhellohello\r\n0\r\n\r\n", body=b"hellohello"),
    good("size in lower case", b"a\r\nhellohello\r\n0\r\n\r\n", body=b"hellohello"),
    good("a last chunk of several zeros", b"5\r\nhello\r\n000\r\n\r\n"),
    good("an extension is not passed on", b"5;ext=1\r\nhello\r\n0\r\n\r\n", EXTENSION, raw_lacks=b"ext"),
    good("an extension without a value", b"5;ext\r\nhello\r\n0;end\r\n\r\n", EXTENSION, raw_lacks=b"ext"),
    good("a quoted extension", b'5;ext="a b"\r\nhello\r\n0\r\n\r\n', EXTENSION, raw_lacks=b"ext"),
    good("an empty body", b"0\r\n\r\n", body=b""),
    good(
        "trailers are passed on",
        b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n",
        TRAILER,
        trailers=(b"x-sum: 1", b"x-two: 2"),
    ),
    good(
        "a trailer never becomes a field",
        b"5\r\nhello\r\n0\r\nX-Admin: yes\r\n\r\n",
        "RFC 9110 6.5.1",
        lacks=(b"x-admin",),
    ),
    Case(
        "chunk: a trailer that frames, routes or authorises is dropped or refused",
        "RFC 9110 6.5.1",
        (message(*HEAD, body=b"5\r\nhello\r\n0\r\nContent-Length: 3\r\nHost: b.example\r\n\r\n"),),
        (Answer((200, 400)),),
        seen=(
            Seen(
                complete=True, optional=True, look=Look(has=(HOST,), joined=((b"content-length", b"|5"),), trailers=())
            ),
        ),
    ),
    cut_short("chunk: cut off within a chunk", message(*HEAD, body=b"5\r\nhel")),
    cut_short("chunk: cut off before the last chunk", message(*HEAD, body=b"5\r\nhello\r\n")),
    cut_short("chunk: cut off before the final CRLF", message(*HEAD, body=b"5\r\nhello\r\n0\r\n")),
    cut_short("a body shorter than its length", message(HEAD[0], HOST, b"Content-Length: 9", body=b"hello")),
    cut_short("a head cut off", b"GET / HTTP/1.1\r\nHost: a.example\r\n"),
]
