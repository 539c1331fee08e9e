"""Connections: kept, closed and given up (RFC 9112 section 9)."""

from .case import HOST, SILENCE, Act, Answer, Case, Ends, Hears, Look, Seen
from .phrases import GET, OK, OK_REPLY, get, message

LINE = b"GET / HTTP/1.1"
PERSIST = "RFC 9112 9.3"


CASES: list[Case] = [
    Case("kept alive by default", PERSIST, (GET,), (Answer((200,), Look(lacks=(b"keep-alive",))),), Ends.OPEN),
    Case(
        "closed when the client asks",
        "RFC 9112 9.6",
        (message(LINE, HOST, b"Connection: close"),),
        (Answer((200,), Look(has=(b"Connection: close",))),),
        Ends.CLOSED,
    ),
    Case(
        "closed when the client asks, in capitals, in a list",
        "RFC 9112 9.6",
        (message(LINE, HOST, b"Connection: x, CLOSE"),),
        (Answer((200,)),),
        Ends.CLOSED,
    ),
    Case(
        "closed when the client asks in a second line",
        "RFC 9112 9.6",
        (message(LINE, HOST, b"Connection: x", b"Connection: close"),),
        (Answer((200,)),),
        Ends.CLOSED,
    ),
    Case(
        "requests after Connection: close are not answered",
        "RFC 9112 9.6",
        (get(b"/1", b"Connection: close") + get(b"/2"),),
        (Answer((200,)),),
        Ends.CLOSED,
        seen=(Seen(b"GET /1 HTTP/1.1"),),
    ),
    Case(
        "the backend's close is not the client's",
        "RFC 9110 7.6.1",
        (GET,),
        (Answer((200,)),),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, b"Connection: close", b"Content-Length: 2", body=b"ok"), Act.CLOSE),),
    ),
    Case(
        "the backend's unannounced close after an answer",
        "RFC 9112 9.5",
        (GET,),
        (Answer((200,)),),
        Ends.OPEN,
        replies=((*OK_REPLY, Act.CLOSE),),
    ),
    Case(
        "a client that half-closes gets its answer or counts as gone",
        "RFC 9112 9.6",
        (GET, Act.SEEN, Act.SHUT, Act.OPEN),
        (Answer((SILENCE, 200)),),
        Ends.CLOSED,
        replies=((Act.BODY, Act.GATE, message(OK, b"Content-Length: 2", body=b"ok")),),
    ),
    Case(
        "a request in single bytes",
        "RFC 9112 2.1",
        tuple(bytes([byte]) for byte in GET),
        (Answer((200,)),),
        Ends.OPEN,
        seen=(Seen(LINE),),
    ),
    Case(
        "a client that goes away frees the backend",
        "RFC 9110 7",
        (GET, Act.SEEN, Act.CLOSE),
        (),
        replies=((Act.BODY, Act.GATE, b""),),
        abandoned=True,
    ),
    Case(
        "a client that goes away within its body frees the backend",
        "RFC 9110 7",
        (message(b"POST / HTTP/1.1", HOST, b"Content-Length: 9", body=b"he"), Act.SEEN, Act.CLOSE),
        (),
        abandoned=True,
    ),
    Case(
        "a client that goes away within the answer frees the backend",
        "RFC 9110 7",
        (GET, Hears(b"first"), Act.CLOSE),
        (),
        replies=((Act.BODY, message(OK, b"Content-Length: 99", body=b"first"), Act.GATE, b""),),
        abandoned=True,
    ),
    Case(
        "a POST that a backend took and dropped is not repeated",
        "RFC 9110 9.2.2",
        (message(b"POST / HTTP/1.1", HOST, b"Content-Length: 5", body=b"hello"),),
        (Answer((502,)),),
        replies=((Act.BODY, Act.CLOSE),),
        seen=(Seen(),),
    ),
]
