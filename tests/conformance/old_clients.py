"""Clients of HTTP/1.0 (RFC 9112 sections 6.1 and 9.3)."""

from .case import HOST, Act, Answer, Case, Ends, Look, Script, Seen
from .phrases import CHUNKED, DONE, EARLY_HINTS, OK, message

INTERIM = "RFC 9110 15.2"


def old_client(
    name: str,
    section: str,
    reply: Script,
    *lines: bytes,
    framing: tuple[str, ...] | None = None,
    ends: Ends = Ends.CLOSED,
    **look: object,
) -> Case:
    """A GET in HTTP/1.0 with these lines."""
    answer = Answer((200,), Look(**look), interim=(), framing=framing)  # type: ignore[arg-type]
    return Case(
        f"1.0: {name}",
        section,
        (message(b"GET / HTTP/1.0", *lines),),
        (answer,),
        ends,
        replies=(reply,),
        seen=(Seen(b"GET / HTTP/1.1"),),
    )


CASES: list[Case] = [
    old_client("is answered and closed", "RFC 9112 9.3", (Act.BODY, DONE), HOST, framing=("length",), body=b"ok"),
    old_client("needs no Host", "RFC 9112 3.2", (Act.BODY, DONE), body=b"ok"),
    old_client(
        "gets no chunks",
        "RFC 9112 6.1",
        (Act.BODY, message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n")),
        HOST,
        framing=("close", "length"),
        body=b"ok",
        lacks=(b"transfer-encoding",),
    ),
    old_client(
        "gets no chunks though it asks to be kept",
        "RFC 9112 6.1",
        (Act.BODY, message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n")),
        HOST,
        b"Connection: keep-alive",
        framing=("close", "length"),
        ends=Ends.ANY,
        body=b"ok",
    ),
    old_client(
        "gets a body that was read to its close",
        "RFC 9112 6.3",
        (Act.BODY, message(OK, body=b"ok"), Act.CLOSE),
        HOST,
        framing=("close", "length"),
        body=b"ok",
    ),
    old_client("gets no 1xx", INTERIM, (Act.BODY, EARLY_HINTS, DONE), HOST, body=b"ok"),
    Case(
        "1.0: kept alive when it asks, and told so",
        "RFC 9112 9.3",
        (message(b"GET / HTTP/1.0", HOST, b"Connection: keep-alive"),),
        (Answer((200,), Look(joined=((b"connection", rb"(?i)keep-alive"),), body=b"ok")),),
        Ends.OPEN,
        replies=((Act.BODY, DONE),),
    ),
    Case(
        "1.0: with a body of known length",
        "RFC 9112 6.3",
        (message(b"POST / HTTP/1.0", HOST, b"Content-Length: 5", body=b"hello"),),
        (Answer((200,)),),
        Ends.CLOSED,
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello")),),
    ),
]
