"""Bodies that depend on more than the fields: HEAD, 204, 304; and trailers (RFC 9110 sections 6.5, 9.3.2, 15)."""

from .case import HOST, Act, Answer, Case, Ends, Look, Seen
from .phrases import CHUNKED, DONE, GET, OK, answered, message

HEAD = message(b"HEAD / HTTP/1.1", HOST)


def to_head(name: str, section: str, reply: bytes, status: int = 200, **look: object) -> Case:
    """The backend's answer to HEAD, as the client must see it; the connection goes on."""
    answer = Answer((status,), Look(**look), to_head=True)  # type: ignore[arg-type]
    return Case(
        f"HEAD: {name}",
        section,
        (HEAD,),
        (answer,),
        Ends.OPEN,
        replies=((Act.BODY, reply),),
        seen=(Seen(b"HEAD / HTTP/1.1"),),
    )


CASES: list[Case] = [
    to_head(
        "its length is kept and no body waited for",
        "RFC 9110 9.3.2",
        message(OK, b"Content-Length: 1000"),
        has=(b"Content-Length: 1000",),
    ),
    to_head("chunked without a body", "RFC 9112 6.1", message(OK, CHUNKED)),
    to_head("without any framing", "RFC 9110 9.3.2", message(OK, b"X-A: 1"), has=(b"X-A: 1",)),
    to_head(
        "404", "RFC 9110 9.3.2", message(b"HTTP/1.1 404 No", b"Content-Length: 9"), 404, has=(b"Content-Length: 9",)
    ),
    Case(
        "HEAD: an own error has no body either",
        "RFC 9110 9.3.2",
        (HEAD, GET),
        (Answer((502,), to_head=True), Answer((200,), Look(body=b"ok"))),
        replies=((Act.BODY, b"garbage\r\n\r\n"), (Act.BODY, DONE)),
    ),
    Case(
        "HEAD: a body that comes all the same reaches nobody",
        "RFC 9110 9.3.2",
        (HEAD, GET),
        (Answer((200,), to_head=True), Answer((200,), Look(body=b"ok"))),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, b"Content-Length: 6", body=b"poison")), (Act.BODY, DONE)),
    ),
    answered(
        "204 has no body",
        "RFC 9110 15.3.5",
        message(b"HTTP/1.1 204 No Content"),
        status=204,
        body=b"",
        lacks=(b"transfer-encoding",),
    ),
    answered(
        "204 with a length of 0 loses it",
        "RFC 9110 8.6",
        message(b"HTTP/1.1 204 No Content", b"Content-Length: 0"),
        status=204,
        body=b"",
        lacks=(b"content-length",),
    ),
    answered(
        "304 has no body and keeps its length",
        "RFC 9110 15.4.5",
        message(b"HTTP/1.1 304 Not Modified", b"Content-Length: 99", b'ETag: "x"'),
        status=304,
        has=(b'ETag: "x"', b"Content-Length: 99"),
    ),
    answered(
        "304 without a length",
        "RFC 9110 15.4.5",
        message(b"HTTP/1.1 304 Not Modified"),
        status=304,
        lacks=(b"transfer-encoding",),
    ),
    Case(
        "304 followed by a body that reaches nobody",
        "RFC 9112 6.3 item 1",
        (GET, GET),
        (Answer((304,)), Answer((200,), Look(body=b"ok"))),
        Ends.OPEN,
        replies=((Act.BODY, message(b"HTTP/1.1 304 No", b"Content-Length: 6", body=b"poison")), (Act.BODY, DONE)),
    ),
    Case(
        "204 followed by a body that reaches nobody",
        "RFC 9112 6.3 item 1",
        (GET, GET),
        (Answer((204, 502)), Answer((200,), Look(body=b"ok"))),
        replies=((Act.BODY, message(b"HTTP/1.1 204 No", body=b"poison")), (Act.BODY, DONE)),
    ),
    Case(
        "trailers of a response are passed on",
        "RFC 9110 6.5",
        (message(b"GET / HTTP/1.1", HOST, b"TE: trailers", b"Connection: TE"),),
        (Answer((200,), Look(body=b"ok", trailers=(b"x-sum: 1", b"x-two: 2"))),),
        Ends.OPEN,
        replies=(
            (Act.BODY, message(OK, CHUNKED, b"Trailer: X-Sum", body=b"2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n")),
        ),
    ),
    answered(
        "a trailer of a response never becomes a field",
        "RFC 9110 6.5.1",
        message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\nSet-Cookie: a=1\r\nContent-Length: 1\r\n\r\n"),
        body=b"ok",
        lacks=(b"set-cookie", b"content-length"),
    ),
]
