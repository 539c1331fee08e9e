"""Request lines and field lines: what is not exactly HTTP/1 is refused (RFC 9112 sections 2 to 5)."""

from .case import HOST, SILENCE, Answer, Case, Seen
from .phrases import bad_line, message, passed, refused

LINE = "RFC 9112 3"
VERSION = "RFC 9112 2.3"
FIELD = "RFC 9112 5"
VALUE = "RFC 9110 5.5"
TARGET = "RFC 9112 3.2.1"


def bad_field(name: str, line: bytes, section: str = FIELD) -> Case:
    """A field line that must be refused; the rest is fine."""
    return refused(f"field: {name}", section, message(b"GET / HTTP/1.1", HOST, line, b"X-After: 1"))


CONTROLS = [0x01, 0x08, 0x0B, 0x0C, 0x1B, 0x7F]

CASES: list[Case] = [
    bad_line("HTTP/2.0", b"GET / HTTP/2.0", (400, 505), VERSION),
    bad_line("HTTP/3.0", b"GET / HTTP/3.0", (400, 505), VERSION),
    bad_line("HTTP/0.9", b"GET / HTTP/0.9", (400, 505), VERSION),
    bad_line("http in lower case", b"GET / http/1.1", (400, 505), VERSION),
    bad_line("a version without its minor", b"GET / HTTP/1", (400, 505), VERSION),
    bad_line("two digits in the minor version", b"GET / HTTP/1.10", (400, 505), VERSION),
    bad_line("a zero before the version", b"GET / HTTP/01.1", (400, 505), VERSION),
    bad_line("a comma in the version", b"GET / HTTP/1,1", (400, 505), VERSION),
    bad_line("another protocol", b"GET / ICY/1.1", (400, 505), VERSION),
    bad_line("a space within the version", b"GET / HTTP/ 1.1", (400, 505), VERSION),
    bad_line("text after the version", b"GET / HTTP/1.1 x", (400, 505), VERSION),
    bad_line("no version", b"GET /", (SILENCE, 400, 505), VERSION),
    bad_line("two spaces before the target", b"GET  / HTTP/1.1"),
    bad_line("two spaces before the version", b"GET /  HTTP/1.1"),
    bad_line("a space after the version", b"GET / HTTP/1.1 "),
    bad_line("a tab before the target", b"GET\t/ HTTP/1.1"),
    bad_line("a tab before the version", b"GET /\tHTTP/1.1"),
    bad_line("a vertical tab as separator", b"GET\x0b/ HTTP/1.1"),
    bad_line("a space before the method", b" GET / HTTP/1.1"),
    bad_line("a space in the target", b"GET /a b HTTP/1.1", section=TARGET),
    bad_line("no target", b"GET  HTTP/1.1"),
    bad_line("a NUL in the target", b"GET /\x00 HTTP/1.1", section=TARGET),
    bad_line("a control character in the target", b"GET /\x01 HTTP/1.1", section=TARGET),
    bad_line("DEL in the target", b"GET /\x7f HTTP/1.1", section=TARGET),
    bad_line("a target without a slash", b"GET a HTTP/1.1", section=TARGET),
    bad_line("a target that is a query", b"GET ?a HTTP/1.1", section=TARGET),
    bad_line("asterisk with GET", b"GET * HTTP/1.1", section="RFC 9112 3.2.4"),
    bad_line("a parenthesis in the method", b"G(T / HTTP/1.1", section="RFC 9110 9.1"),
    bad_line("a slash in the method", b"G/T / HTTP/1.1", section="RFC 9110 9.1"),
    bad_line("a NUL in the method", b"G\x00T / HTTP/1.1", section="RFC 9110 9.1"),
    bad_line("a byte over 127 in the method", b"G\xc9T / HTTP/1.1", section="RFC 9110 9.1"),
    refused("line: ended by LF alone", "RFC 9112 2.2", b"GET / HTTP/1.1\nHost: a.example\n\n"),
    refused("line: ended by CR alone", "RFC 9112 2.2", b"GET / HTTP/1.1\rHost: a.example\r\n\r\n"),
    refused("line: a bare CR in the target", "RFC 9112 2.2", message(b"GET /\rx HTTP/1.1", HOST)),
    refused(
        "line: not HTTP at all",
        LINE,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 32 + b"\r\n\r\n",
        (SILENCE, 400),
    ),
    refused(
        "line: the HTTP/2 preface", "RFC 9113 3.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (SILENCE, 400, 405, 501, 505)
    ),
    Case(
        "line: HTTP/1.2 is read as 1.1 or refused, and never passed on as such",
        "RFC 9110 2.5",
        (message(b"GET / HTTP/1.2", HOST),),
        (Answer((200, 400, 505)),),
        seen=(Seen(b"GET / HTTP/1.1", optional=True),),
    ),
    passed("line: one empty line before it is skipped", "RFC 9112 2.2", b"\r\n" + message(b"GET / HTTP/1.1", HOST)),
    bad_field("a space before the colon", b"X-A : 1", "RFC 9112 5.1"),
    bad_field("a tab before the colon", b"X-A\t: 1", "RFC 9112 5.1"),
    bad_field("no colon", b"X-A 1"),
    bad_field("no name", b": 1"),
    bad_field("a space in the name", b"X A: 1", "RFC 9110 5.1"),
    bad_field("a parenthesis in the name", b"X(A): 1", "RFC 9110 5.1"),
    bad_field("a byte over 127 in the name", b"X-\xe9: 1", "RFC 9110 5.1"),
    bad_field("a NUL in the name", b"X\x00A: 1", "RFC 9110 5.1"),
    bad_field("a control character in the name", b"X\x01A: 1", "RFC 9110 5.1"),
    bad_field("a NUL in the value", b"X-A: 1\x002", VALUE),
    *[bad_field(f"character {code:#04x} in the value", b"X-A: 1%c2" % code, VALUE) for code in CONTROLS],
    bad_field("a bare CR in the value", b"X-A: 1\r2", VALUE),
    bad_field("a bare CR at the end of the value", b"X-A: 1\r", VALUE),
    bad_field("ended by LF alone", b"X-A: 1\nX-B: 2", "RFC 9112 2.2"),
    bad_field("folded with a space", b"X-A: 1\r\n 2", "RFC 9112 5.2"),
    bad_field("folded with a tab", b"X-A: 1\r\n\t2", "RFC 9112 5.2"),
    bad_field("folded to an empty line", b"X-A: 1\r\n \r\nX-B: 2", "RFC 9112 5.2"),
    refused("field: space before the first", "RFC 9112 2.2", message(b"GET / HTTP/1.1", b" X-A: 1", HOST)),
    refused("field: the head ended by LF", "RFC 9112 2.2", b"GET / HTTP/1.1\r\nHost: a.example\r\n\n"),
]
