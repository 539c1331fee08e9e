"""Several requests at once on one connection, answered in order (RFC 9112 section 9.3.2)."""

from .case import HOST, SILENCE, Act, Answer, Case, Ends, Look, Seen
from .phrases import OK, answer, get, message, says

LINE = b"GET / HTTP/1.1"
PIPELINE = "RFC 9112 9.3.2"


CASES: list[Case] = [
    Case(
        "two pipelined",
        PIPELINE,
        (get(b"/1") + get(b"/2"),),
        (answer(b"1"), answer(b"2")),
        Ends.OPEN,
        replies=(says(b"1"), says(b"2")),
        seen=(Seen(b"GET /1 HTTP/1.1"), Seen(b"GET /2 HTTP/1.1")),
    ),
    Case(
        "ten pipelined in order",
        PIPELINE,
        (b"".join(get(b"/%d" % index) for index in range(10)),),
        tuple(answer(b"%d" % index) for index in range(10)),
        Ends.OPEN,
        replies=tuple(says(b"%d" % index) for index in range(10)),
        seen=tuple(Seen(b"GET /%d HTTP/1.1" % index) for index in range(10)),
    ),
    Case(
        "pipelined after a body of known length",
        PIPELINE,
        (message(b"POST /1 HTTP/1.1", HOST, b"Content-Length: 5", body=b"hello") + get(b"/2"),),
        (answer(b"1"), answer(b"2")),
        Ends.OPEN,
        replies=(says(b"1"), says(b"2")),
        seen=(Seen(b"POST /1 HTTP/1.1", Look(body=b"hello")), Seen(b"GET /2 HTTP/1.1")),
    ),
    Case(
        "pipelined after a chunked body",
        PIPELINE,
        (
            message(b"POST /1 HTTP/1.1", HOST, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n")
            + get(b"/2"),
        ),
        (answer(b"1"), answer(b"2")),
        Ends.OPEN,
        replies=(says(b"1"), says(b"2")),
        seen=(Seen(b"POST /1 HTTP/1.1", Look(body=b"hello")), Seen(b"GET /2 HTTP/1.1")),
    ),
    Case(
        "pipelined after HEAD",
        PIPELINE,
        (message(b"HEAD /1 HTTP/1.1", HOST) + get(b"/2"),),
        (Answer((200,), to_head=True), answer(b"2")),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, b"Content-Length: 1")), says(b"2")),
        seen=(Seen(b"HEAD /1 HTTP/1.1"), Seen(b"GET /2 HTTP/1.1")),
    ),
    Case(
        "pipelined with unknown methods",
        PIPELINE,
        (message(b"BREW /1 HTTP/1.1", HOST) + message(b"WHEN /2 HTTP/1.1", HOST) + get(b"/3"),),
        (answer(b"1"), answer(b"2"), answer(b"3")),
        Ends.OPEN,
        replies=(says(b"1"), says(b"2"), says(b"3")),
        seen=(Seen(b"BREW /1 HTTP/1.1"), Seen(b"WHEN /2 HTTP/1.1"), Seen(b"GET /3 HTTP/1.1")),
    ),
    Case(
        "the second pipelined comes while the first is still being answered",
        PIPELINE,
        (get(b"/1"), Act.SEEN, get(b"/2"), Act.OPEN),
        (answer(b"1"), answer(b"2")),
        Ends.OPEN,
        replies=((Act.BODY, Act.GATE, says(b"1")[1]), says(b"2")),
    ),
    Case(
        "an empty line between pipelined requests",
        "RFC 9112 2.2",
        (get(b"/1") + b"\r\n" + get(b"/2"),),
        (answer(b"1"), answer(b"2")),
        Ends.OPEN,
        replies=(says(b"1"), says(b"2")),
    ),
    Case(
        "a bad request pipelined after a good one",
        PIPELINE,
        (get(b"/1") + message(b"GET /2 HTTP/1.1", HOST, b"Content-Length: x"),),
        (answer(b"1"), Answer((400,))),
        Ends.CLOSED,
        replies=(says(b"1"),),
        seen=(Seen(b"GET /1 HTTP/1.1"),),
    ),
    Case(
        "garbage pipelined after a good request",
        PIPELINE,
        (get(b"/1") + b"garbage\r\n\r\n",),
        (answer(b"1"), Answer((SILENCE, 400))),
        Ends.CLOSED,
        replies=(says(b"1"),),
        seen=(Seen(b"GET /1 HTTP/1.1"),),
    ),
    Case(
        "requests after a bad one are not answered",
        "RFC 9112 9.3",
        (message(LINE, HOST, b"A B: 1") + get(b"/2"),),
        (Answer((400,)),),
        Ends.CLOSED,
        seen=(),
    ),
]
