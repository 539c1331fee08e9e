"""Bytes go on as they come, both ways, and answers may come early (RFC 9112 section 9)."""

from .case import HOST, Act, Answer, Case, Ends, Hears, Look, Seen
from .phrases import CHUNKED, GET, OK, message

POST5 = (b"POST / HTTP/1.1", HOST, b"Content-Length: 5")


CASES: list[Case] = [
    Case(
        "early answer while the request body is still to come",
        "RFC 9112 9.3",
        (message(*POST5, body=b"he"), Hears(b"413 Too"), b"llo"),
        (Answer((413,), Look(body=b"no")),),
        replies=((message(b"HTTP/1.1 413 Too big", b"Content-Length: 2", body=b"no"),),),
    ),
    Case(
        "early answer and close while the request body is still to come",
        "RFC 9112 9.6",
        (message(b"POST / HTTP/1.1", HOST, b"Content-Length: 9", body=b"he"), Hears(b"413 Too")),
        (Answer((413,), Look(body=b"no")),),
        replies=(
            (message(b"HTTP/1.1 413 Too big", b"Content-Length: 2", b"Connection: close", body=b"no"), Act.CLOSE),
        ),
    ),
    Case(
        "stream: the first byte of a response is out before its last is in",
        "RFC 9110 7",
        (GET, Hears(b"first"), Act.OPEN),
        (Answer((200,), Look(body=b"firstlast")),),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, b"Content-Length: 9", body=b"first"), Act.GATE, b"last"),),
    ),
    Case(
        "stream: the first chunk of a response is out before its last is in",
        "RFC 9112 7.1",
        (GET, Hears(b"first"), Act.OPEN),
        (Answer((200,), Look(body=b"firstlast")),),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, CHUNKED, body=b"5\r\nfirst\r\n"), Act.GATE, b"4\r\nlast\r\n0\r\n\r\n"),),
    ),
    Case(
        "stream: the head of a response is out before its body is in",
        "RFC 9110 7",
        (GET, Hears(b"X-Head: 1"), Act.OPEN),
        (Answer((200,), Look(body=b"ok")),),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, b"X-Head: 1", b"Content-Length: 2"), Act.GATE, b"ok"),),
    ),
    Case(
        "stream: a request reaches the backend before its body is whole",
        "RFC 9110 7",
        (message(*POST5, body=b"he"), Act.SEEN, b"llo"),
        (Answer((200,)),),
        Ends.OPEN,
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello")),),
    ),
    Case(
        "stream: a chunked request reaches the backend before its body is whole",
        "RFC 9112 7.1",
        (message(b"POST / HTTP/1.1", HOST, CHUNKED, body=b"2\r\nhe\r\n"), Act.SEEN, b"3\r\nllo\r\n0\r\n\r\n"),
        (Answer((200,)),),
        Ends.OPEN,
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello")),),
    ),
]
