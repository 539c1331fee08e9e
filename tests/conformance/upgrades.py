"""Upgrade: WebSocket as a tunnel, everything else stripped (RFC 9110 section 7.8)."""

from .case import HOST, Act, Answer, Case, Ends, Hears, Look, Seen
from .phrases import OK_REPLY, answer, get, message, passed, says

LINE = b"GET / HTTP/1.1"
UPGRADE = "RFC 9110 7.8"
SWITCH = message(
    b"HTTP/1.1 101 Switching Protocols",
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
)
WEBSOCKET = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def not_taken(name: str, *lines: bytes, raw_lacks: bytes) -> Case:
    """An upgrade that is stripped; the request is answered as any other."""
    return passed(
        f"upgrade: {name}",
        UPGRADE,
        message(LINE, HOST, *lines),
        LINE,
        lacks=(b"upgrade", b"http2-settings"),
        raw_lacks=raw_lacks,
    )


CASES: list[Case] = [
    Case(
        "upgrade: a WebSocket tunnel, both ways",
        UPGRADE,
        (
            message(LINE, HOST, *WEBSOCKET),
            Hears(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            b"\x81\x02hi",
            b"\x00\xff",
        ),
        (Answer((101,), Look(has=(b"Upgrade: websocket",), joined=((b"connection", rb"(?i)upgrade"),))),),
        replies=((SWITCH, Act.ECHO),),
        tunnelled=b"\x81\x02hi\x00\xff",
        seen=(
            Seen(
                LINE,
                Look(
                    has=(b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
                    joined=((b"connection", rb"(?i)upgrade"),),
                ),
            ),
        ),
    ),
    Case(
        "upgrade: bytes of the backend right behind its 101",
        UPGRADE,
        (message(LINE, HOST, *WEBSOCKET),),
        (Answer((101,)),),
        replies=((SWITCH + b"first", Act.ECHO),),
        tunnelled=b"first",
    ),
    Case(
        "upgrade: the tunnel carries what looks like HTTP",
        UPGRADE,
        (message(LINE, HOST, *WEBSOCKET), Hears(b"101 "), get(b"/inside")),
        (Answer((101,)),),
        replies=((SWITCH, Act.ECHO),),
        tunnelled=get(b"/inside"),
        seen=(Seen(LINE),),
    ),
    Case(
        "upgrade: a tunnel the backend closes",
        UPGRADE,
        (message(LINE, HOST, *WEBSOCKET),),
        (Answer((101,)),),
        Ends.CLOSED,
        replies=((SWITCH, Act.CLOSE),),
    ),
    Case(
        "upgrade: names in other case",
        UPGRADE,
        (
            message(
                LINE,
                HOST,
                b"connection: keep-alive, UPGRADE",
                b"upgrade: WebSocket",
                b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ),
        ),
        (Answer((101,)),),
        replies=((SWITCH + b"x", Act.ECHO),),
        tunnelled=b"x",
    ),
    Case(
        "upgrade: refused by the backend, the connection goes on",
        UPGRADE,
        (message(LINE, HOST, *WEBSOCKET),),
        (Answer((200,), Look(body=b"ok")),),
        Ends.OPEN,
        replies=(OK_REPLY,),
    ),
    Case(
        "upgrade: refused by the backend with 426",
        "RFC 9110 15.5.22",
        (message(LINE, HOST, *WEBSOCKET),),
        (Answer((426,)),),
        Ends.OPEN,
        replies=((Act.BODY, message(b"HTTP/1.1 426 Upgrade Required", b"Content-Length: 0")),),
    ),
    not_taken(
        "h2c is stripped",
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        raw_lacks=b"h2c",
    ),
    not_taken("TLS is stripped", b"Connection: Upgrade", b"Upgrade: TLS/1.2", raw_lacks=b"TLS/1.2"),
    passed(
        "upgrade: in HTTP/1.0 it is ignored",
        UPGRADE,
        message(b"GET / HTTP/1.0", HOST, *WEBSOCKET),
        LINE,
        ends=Ends.CLOSED,
        lacks=(b"upgrade",),
    ),
    passed(
        "upgrade: h2c with a body, which is still framed",
        UPGRADE,
        message(b"POST / HTTP/1.1", HOST, b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 5", body=b"hello"),
        b"POST / HTTP/1.1",
        body=b"hello",
        lacks=(b"upgrade",),
    ),
    passed(
        "upgrade: h2c with a chunked body, which is still framed",
        UPGRADE,
        message(
            b"POST / HTTP/1.1",
            HOST,
            b"Connection: Upgrade",
            b"Upgrade: h2c",
            b"Transfer-Encoding: chunked",
            body=b"5\r\nhello\r\n0\r\n\r\n",
        ),
        b"POST / HTTP/1.1",
        body=b"hello",
        lacks=(b"upgrade",),
    ),
    Case(
        "upgrade: requests after a stripped one",
        UPGRADE,
        (get(b"/1", b"Connection: Upgrade", b"Upgrade: h2c") + get(b"/2"),),
        (answer(b"1"), answer(b"2")),
        Ends.OPEN,
        replies=(says(b"1"), says(b"2")),
        seen=(Seen(b"GET /1 HTTP/1.1", Look(lacks=(b"upgrade",))), Seen(b"GET /2 HTTP/1.1")),
    ),
    Case(
        "upgrade: Connection names it but there is none",
        UPGRADE,
        (message(LINE, HOST, b"Connection: upgrade"),),
        (Answer((200,)),),
        Ends.OPEN,
        seen=(Seen(LINE, Look(lacks=(b"upgrade",))),),
    ),
]
