"""All kinds of messages: HEAD, 204, 304, 1xx, trailers, HTTP/1.0, early answers (RFC 9110 sections 6, 9, 15)."""

from .case import GET, HOST, Act, Answer, Case, Ends, Hears, Look, Script, Seen, answered, message

OK = b"HTTP/1.1 200 OK"
CHUNKED = b"Transfer-Encoding: chunked"
HEAD = message(b"HEAD / HTTP/1.1", HOST)
POST5 = (b"POST / HTTP/1.1", HOST, b"Content-Length: 5")
EXPECTS = (*POST5, b"Expect: 100-continue")
CONTINUE = message(b"HTTP/1.1 100 Continue")
EARLY_HINTS = message(b"HTTP/1.1 103 Early Hints", b"Link: </a.css>; rel=preload")
DONE = message(OK, b"Content-Length: 2", body=b"ok")
INTERIM = "RFC 9110 15.2"
EXPECT = "RFC 9110 10.1.1"


def to_head(name: str, section: str, reply: bytes, status: int = 200, **look: object) -> Case:
    """The backend's answer to HEAD, as the client must see it; the connection goes on."""
    answer = Answer((status,), Look(**look), to_head=True)  # type: ignore[arg-type]
    return Case(f"HEAD: {name}", section, (HEAD,), (answer,), Ends.OPEN, replies=((Act.BODY, reply),), seen=(Seen(b"HEAD / HTTP/1.1"),))


def with_interim(name: str, *script: bytes | Act, interim: tuple[int, ...], section: str = INTERIM) -> Case:
    """1xx responses before the final one."""
    return Case(f"1xx: {name}", section, (GET,), (Answer((200,), Look(body=b"ok"), interim=interim),), Ends.OPEN, replies=((Act.BODY, *script),))


def old_client(name: str, section: str, reply: Script, *lines: bytes, framing: tuple[str, ...] | None = None, ends: Ends = Ends.CLOSED, **look: object) -> Case:
    """A GET in HTTP/1.0 with these lines."""
    answer = Answer((200,), Look(**look), interim=(), framing=framing)  # type: ignore[arg-type]
    return Case(f"1.0: {name}", section, (message(b"GET / HTTP/1.0", *lines),), (answer,), ends, replies=(reply,), seen=(Seen(b"GET / HTTP/1.1"),))


CASES: list[Case] = [
    to_head("its length is kept and no body waited for", "RFC 9110 9.3.2", message(OK, b"Content-Length: 1000"), has=(b"Content-Length: 1000",)),
    to_head("chunked without a body", "RFC 9112 6.1", message(OK, CHUNKED)),
    to_head("without any framing", "RFC 9110 9.3.2", message(OK, b"X-A: 1"), has=(b"X-A: 1",)),
    to_head("404", "RFC 9110 9.3.2", message(b"HTTP/1.1 404 No", b"Content-Length: 9"), 404, has=(b"Content-Length: 9",)),
    Case(
        "HEAD: an own error has no body either",
        "RFC 9110 9.3.2",
        (HEAD, GET),
        (Answer((502,), to_head=True), Answer((200,), Look(body=b"ok"))),
        replies=((Act.BODY, b"garbage\r\n\r\n"), (Act.BODY, b"garbage\r\n\r\n"), (Act.BODY, DONE)),
    ),
    Case(
        "HEAD: a body that comes all the same reaches nobody",
        "RFC 9110 9.3.2",
        (HEAD, GET),
        (Answer((200,), to_head=True), Answer((200,), Look(body=b"ok"))),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, b"Content-Length: 6", body=b"poison")), (Act.BODY, DONE)),
    ),
    answered("204 has no body", "RFC 9110 15.3.5", message(b"HTTP/1.1 204 No Content"), status=204, body=b"", lacks=(b"transfer-encoding",)),
    answered("204 with a length of 0 loses it", "RFC 9110 8.6", message(b"HTTP/1.1 204 No Content", b"Content-Length: 0"), status=204, body=b"", lacks=(b"content-length",)),
    answered("304 has no body and keeps its length", "RFC 9110 15.4.5", message(b"HTTP/1.1 304 Not Modified", b"Content-Length: 99", b'ETag: "x"'), status=304, has=(b'ETag: "x"', b"Content-Length: 99")),
    answered("304 without a length", "RFC 9110 15.4.5", message(b"HTTP/1.1 304 Not Modified"), status=304, lacks=(b"transfer-encoding",)),
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
    with_interim("103 is passed on", EARLY_HINTS, DONE, interim=(103,)),
    with_interim("103 twice is passed on twice", EARLY_HINTS, EARLY_HINTS, DONE, interim=(103, 103)),
    with_interim("102 is passed on", message(b"HTTP/1.1 102 Processing"), DONE, interim=(102,)),
    with_interim("an unknown 1xx is passed on", message(b"HTTP/1.1 199 What"), DONE, interim=(199,)),
    with_interim("100 and 103 are passed on", CONTINUE, EARLY_HINTS, DONE, interim=(100, 103)),
    with_interim("103 and the final one in one piece", EARLY_HINTS + DONE, interim=(103,)),
    Case(
        "1xx: 103 arrives before the final response is there",
        INTERIM,
        (GET, Hears(b"103 Early Hints"), Act.OPEN),
        (Answer((200,), interim=(103,)),),
        Ends.OPEN,
        replies=((Act.BODY, EARLY_HINTS, Act.GATE, DONE),),
    ),
    Case(
        "1xx: 103 of a backend that then closes",
        INTERIM,
        (GET,),
        (Answer((502,)),),
        replies=((Act.BODY, EARLY_HINTS, Act.CLOSE),),
    ),
    Case(
        "expect: 100 comes from the backend before the body is sent",
        EXPECT,
        (message(*EXPECTS), Hears(b"100 Continue"), b"hello"),
        (Answer((200,), interim=(100,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello")),),
    ),
    Case(
        "expect: a client that does not wait",
        EXPECT,
        (message(*EXPECTS, body=b"hello"),),
        (Answer((200,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello")),),
    ),
    Case(
        "expect: a final answer instead of 100",
        EXPECT,
        (message(*EXPECTS), Hears(b"417")),
        (Answer((417,)),),
        replies=((message(b"HTTP/1.1 417 No", b"Content-Length: 0", b"Connection: close"),),),
    ),
    Case(
        "expect: a chunked body after 100",
        EXPECT,
        (message(b"PUT / HTTP/1.1", HOST, CHUNKED, b"Expect: 100-continue"), Hears(b"100 Continue"), b"5\r\nhello\r\n0\r\n\r\n"),
        (Answer((200,), interim=(100,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
        seen=(Seen(b"PUT / HTTP/1.1", Look(body=b"hello")),),
    ),
    Case(
        "expect: in capitals",
        EXPECT,
        (message(*POST5, b"Expect: 100-CONTINUE"), Hears(b"100 Continue"), b"hello"),
        (Answer((200,), interim=(100,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
    ),
    Case(
        "expect: something unknown is refused or passed on",
        EXPECT,
        (message(*POST5, b"Expect: miracles", body=b"hello"),),
        (Answer((200, 417)),),
    ),
    Case(
        "expect: a client of HTTP/1.0 gets no 100",
        EXPECT,
        (message(b"POST / HTTP/1.0", HOST, b"Content-Length: 5", b"Expect: 100-continue", body=b"hello"),),
        (Answer((200,), interim=()),),
        Ends.CLOSED,
        replies=((CONTINUE, Act.BODY, DONE),),
    ),
    Case(
        "trailers of a response are passed on",
        "RFC 9110 6.5",
        (message(b"GET / HTTP/1.1", HOST, b"TE: trailers", b"Connection: TE"),),
        (Answer((200,), Look(body=b"ok", trailers=(b"x-sum: 1", b"x-two: 2"))),),
        Ends.OPEN,
        replies=((Act.BODY, message(OK, CHUNKED, b"Trailer: X-Sum", body=b"2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n")),),
    ),
    answered(
        "a trailer of a response never becomes a field",
        "RFC 9110 6.5.1",
        message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\nSet-Cookie: a=1\r\nContent-Length: 1\r\n\r\n"),
        body=b"ok",
        lacks=(b"set-cookie", b"content-length"),
    ),
    old_client("is answered and closed", "RFC 9112 9.3", (Act.BODY, DONE), HOST, framing=("length",), body=b"ok"),
    old_client("needs no Host", "RFC 9112 3.2", (Act.BODY, DONE), body=b"ok"),
    old_client("gets no chunks", "RFC 9112 6.1", (Act.BODY, message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n")), HOST, framing=("close", "length"), body=b"ok", lacks=(b"transfer-encoding",)),
    old_client("gets no chunks though it asks to be kept", "RFC 9112 6.1", (Act.BODY, message(OK, CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n")), HOST, b"Connection: keep-alive", framing=("close", "length"), ends=Ends.ANY, body=b"ok"),
    old_client("gets a body that was read to its close", "RFC 9112 6.3", (Act.BODY, message(OK, body=b"ok"), Act.CLOSE), HOST, framing=("close", "length"), body=b"ok"),
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
        replies=((message(b"HTTP/1.1 413 Too big", b"Content-Length: 2", b"Connection: close", body=b"no"), Act.CLOSE),),
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
