"""Connections: kept, closed, pipelined, upgraded, given up, and limits (RFC 9112 section 9)."""

from .case import GET, HOST, OK_REPLY, SILENCE, Act, Answer, Case, Ends, Hears, Look, Seen, message, passed

OK = b"HTTP/1.1 200 OK"
LINE = b"GET / HTTP/1.1"
PERSIST = "RFC 9112 9.3"
PIPELINE = "RFC 9112 9.3.2"
UPGRADE = "RFC 9110 7.8"
SWITCH = message(b"HTTP/1.1 101 Switching Protocols", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Accept: x")
WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: x")


def get(path: bytes, *lines: bytes) -> bytes:
    """A GET of this path."""
    return message(b"GET " + path + b" HTTP/1.1", HOST, *lines)


def says(text: bytes) -> tuple[Act, bytes]:
    """A reply of this body."""
    return (Act.BODY, message(OK, b"Content-Length: %d" % len(text), body=text))


def answer(text: bytes) -> Answer:
    """The answer that :func:`says` this."""
    return Answer((200,), Look(body=text))


def not_taken(name: str, *lines: bytes, raw_lacks: bytes) -> Case:
    """An upgrade that is stripped; the request is answered as any other."""
    return passed(f"upgrade: {name}", UPGRADE, message(LINE, HOST, *lines), LINE, lacks=(b"upgrade", b"http2-settings"), raw_lacks=raw_lacks)


def limited(name: str, section: str, sent: bytes, *status: int) -> Case:
    """A head over a limit."""
    return Case(f"limit: {name}", section, (sent,), (Answer(status),), Ends.CLOSED, seen=())


CASES: list[Case] = [
    Case("kept alive by default", PERSIST, (GET,), (Answer((200,), Look(lacks=(b"keep-alive",))),), Ends.OPEN),
    Case("closed when the client asks", "RFC 9112 9.6", (message(LINE, HOST, b"Connection: close"),), (Answer((200,), Look(has=(b"Connection: close",))),), Ends.CLOSED),
    Case("closed when the client asks, in capitals, in a list", "RFC 9112 9.6", (message(LINE, HOST, b"Connection: x, CLOSE"),), (Answer((200,)),), Ends.CLOSED),
    Case("closed when the client asks in a second line", "RFC 9112 9.6", (message(LINE, HOST, b"Connection: x", b"Connection: close"),), (Answer((200,)),), Ends.CLOSED),
    Case("requests after Connection: close are not answered", "RFC 9112 9.6", (get(b"/1", b"Connection: close") + get(b"/2"),), (Answer((200,)),), Ends.CLOSED, seen=(Seen(b"GET /1 HTTP/1.1"),)),
    Case("the backend's close is not the client's", "RFC 9110 7.6.1", (GET,), (Answer((200,)),), Ends.OPEN,
         replies=((Act.BODY, message(OK, b"Connection: close", b"Content-Length: 2", body=b"ok"), Act.CLOSE),)),
    Case("the backend's unannounced close after an answer", "RFC 9112 9.5", (GET,), (Answer((200,)),), Ends.OPEN,
         replies=((*OK_REPLY, Act.CLOSE),)),
    Case("a client that half-closes still gets its answer", "RFC 9112 9.6", (GET, Act.SEEN, Act.SHUT, Act.OPEN), (answer(b"ok"),), Ends.CLOSED,
         replies=((Act.BODY, Act.GATE, message(OK, b"Content-Length: 2", body=b"ok")),)),
    Case("a request in single bytes", "RFC 9112 2.1", tuple(bytes([byte]) for byte in GET), (Answer((200,)),), Ends.OPEN, seen=(Seen(LINE),)),
    Case("two pipelined", PIPELINE, (get(b"/1") + get(b"/2"),), (answer(b"1"), answer(b"2")), Ends.OPEN,
         replies=(says(b"1"), says(b"2")), seen=(Seen(b"GET /1 HTTP/1.1"), Seen(b"GET /2 HTTP/1.1"))),
    Case("ten pipelined in order", PIPELINE, (b"".join(get(b"/%d" % index) for index in range(10)),), tuple(answer(b"%d" % index) for index in range(10)), Ends.OPEN,
         replies=tuple(says(b"%d" % index) for index in range(10)), seen=tuple(Seen(b"GET /%d HTTP/1.1" % index) for index in range(10))),
    Case("pipelined after a body of known length", PIPELINE, (message(b"POST /1 HTTP/1.1", HOST, b"Content-Length: 5", body=b"hello") + get(b"/2"),), (answer(b"1"), answer(b"2")), Ends.OPEN,
         replies=(says(b"1"), says(b"2")), seen=(Seen(b"POST /1 HTTP/1.1", Look(body=b"hello")), Seen(b"GET /2 HTTP/1.1"))),
    Case("pipelined after a chunked body", PIPELINE, (message(b"POST /1 HTTP/1.1", HOST, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n") + get(b"/2"),), (answer(b"1"), answer(b"2")), Ends.OPEN,
         replies=(says(b"1"), says(b"2")), seen=(Seen(b"POST /1 HTTP/1.1", Look(body=b"hello")), Seen(b"GET /2 HTTP/1.1"))),
    Case("pipelined after HEAD", PIPELINE, (message(b"HEAD /1 HTTP/1.1", HOST) + get(b"/2"),), (Answer((200,), to_head=True), answer(b"2")), Ends.OPEN,
         replies=((Act.BODY, message(OK, b"Content-Length: 1")), says(b"2")), seen=(Seen(b"HEAD /1 HTTP/1.1"), Seen(b"GET /2 HTTP/1.1"))),
    Case("pipelined with unknown methods", PIPELINE, (message(b"BREW /1 HTTP/1.1", HOST) + message(b"WHEN /2 HTTP/1.1", HOST) + get(b"/3"),), (answer(b"1"), answer(b"2"), answer(b"3")), Ends.OPEN,
         replies=(says(b"1"), says(b"2"), says(b"3")), seen=(Seen(b"BREW /1 HTTP/1.1"), Seen(b"WHEN /2 HTTP/1.1"), Seen(b"GET /3 HTTP/1.1"))),
    Case("the second pipelined comes while the first is still being answered", PIPELINE, (get(b"/1"), Act.SEEN, get(b"/2"), Act.OPEN), (answer(b"1"), answer(b"2")), Ends.OPEN,
         replies=((Act.BODY, Act.GATE, says(b"1")[1]), says(b"2"))),
    Case("an empty line between pipelined requests", "RFC 9112 2.2", (get(b"/1") + b"\r\n" + get(b"/2"),), (answer(b"1"), answer(b"2")), Ends.OPEN, replies=(says(b"1"), says(b"2"))),
    Case("a bad request pipelined after a good one", PIPELINE, (get(b"/1") + message(b"GET /2 HTTP/1.1", HOST, b"Content-Length: x"),), (answer(b"1"), Answer((400,))), Ends.CLOSED,
         replies=(says(b"1"),), seen=(Seen(b"GET /1 HTTP/1.1"),)),
    Case("garbage pipelined after a good request", PIPELINE, (get(b"/1") + b"garbage\r\n\r\n",), (answer(b"1"), Answer((SILENCE, 400))), Ends.CLOSED, replies=(says(b"1"),), seen=(Seen(b"GET /1 HTTP/1.1"),)),
    Case("requests after a bad one are not answered", "RFC 9112 9.3", (message(LINE, HOST, b"A B: 1") + get(b"/2"),), (Answer((400,)),), Ends.CLOSED, seen=()),
    Case("upgrade: a WebSocket tunnel, both ways", UPGRADE, (message(LINE, HOST, *WEBSOCKET), Hears(b"Sec-WebSocket-Accept: x"), b"\x81\x02hi", b"\x00\xff"), (Answer((101,), Look(has=(b"Upgrade: websocket",), joined=((b"connection", rb"(?i)upgrade"),))),),
         replies=((SWITCH, Act.ECHO),), tunnelled=b"\x81\x02hi\x00\xff", seen=(Seen(LINE, Look(has=(b"Upgrade: websocket", b"Sec-WebSocket-Key: x"), joined=((b"connection", rb"(?i)upgrade"),))),)),
    Case("upgrade: bytes of the backend right behind its 101", UPGRADE, (message(LINE, HOST, *WEBSOCKET),), (Answer((101,)),),
         replies=((SWITCH + b"first", Act.ECHO),), tunnelled=b"first"),
    Case("upgrade: the tunnel carries what looks like HTTP", UPGRADE, (message(LINE, HOST, *WEBSOCKET), Hears(b"101 "), get(b"/inside")), (Answer((101,)),),
         replies=((SWITCH, Act.ECHO),), tunnelled=get(b"/inside"), seen=(Seen(LINE),)),
    Case("upgrade: a tunnel the backend closes", UPGRADE, (message(LINE, HOST, *WEBSOCKET),), (Answer((101,)),), Ends.CLOSED, replies=((SWITCH, Act.CLOSE),)),
    Case("upgrade: names in other case", UPGRADE, (message(LINE, HOST, b"connection: keep-alive, UPGRADE", b"upgrade: WebSocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: x"),), (Answer((101,)),), replies=((SWITCH + b"x", Act.ECHO),), tunnelled=b"x"),
    Case("upgrade: refused by the backend, the connection goes on", UPGRADE, (message(LINE, HOST, *WEBSOCKET),), (Answer((200,), Look(body=b"ok")),), Ends.OPEN, replies=(OK_REPLY,)),
    Case("upgrade: refused by the backend with 426", "RFC 9110 15.5.22", (message(LINE, HOST, *WEBSOCKET),), (Answer((426,)),), Ends.OPEN,
         replies=((Act.BODY, message(b"HTTP/1.1 426 Upgrade Required", b"Content-Length: 0")),)),
    not_taken("h2c is stripped", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__", raw_lacks=b"h2c"),
    not_taken("TLS is stripped", b"Connection: Upgrade", b"Upgrade: TLS/1.2", raw_lacks=b"TLS/1.2"),
    passed("upgrade: in HTTP/1.0 it is ignored", UPGRADE, message(b"GET / HTTP/1.0", HOST, *WEBSOCKET), LINE, ends=Ends.CLOSED, lacks=(b"upgrade",)),
    passed("upgrade: h2c with a body, which is still framed", UPGRADE, message(b"POST / HTTP/1.1", HOST, b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 5", body=b"hello"), b"POST / HTTP/1.1", body=b"hello", lacks=(b"upgrade",)),
    passed("upgrade: h2c with a chunked body, which is still framed", UPGRADE, message(b"POST / HTTP/1.1", HOST, b"Connection: Upgrade", b"Upgrade: h2c", b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"), b"POST / HTTP/1.1", body=b"hello", lacks=(b"upgrade",)),
    Case("upgrade: requests after a stripped one", UPGRADE, (get(b"/1", b"Connection: Upgrade", b"Upgrade: h2c") + get(b"/2"),), (answer(b"1"), answer(b"2")), Ends.OPEN, replies=(says(b"1"), says(b"2")),
         seen=(Seen(b"GET /1 HTTP/1.1", Look(lacks=(b"upgrade",))), Seen(b"GET /2 HTTP/1.1"))),
    Case("upgrade: Connection names it but there is none", UPGRADE, (message(LINE, HOST, b"Connection: upgrade"),), (Answer((200,)),), Ends.OPEN, seen=(Seen(LINE, Look(lacks=(b"upgrade",))),)),
    Case("a client that goes away frees the backend", "RFC 9110 7", (GET, Act.SEEN, Act.CLOSE), (), replies=((Act.BODY, Act.GATE, b""),), abandoned=True),
    Case("a client that goes away within its body frees the backend", "RFC 9110 7", (message(b"POST / HTTP/1.1", HOST, b"Content-Length: 9", body=b"he"), Act.SEEN, Act.CLOSE), (), abandoned=True),
    Case("a client that goes away within the answer frees the backend", "RFC 9110 7", (GET, Hears(b"first"), Act.CLOSE), (), replies=((Act.BODY, message(OK, b"Content-Length: 99", body=b"first"), Act.GATE, b""),), abandoned=True),
    Case("a POST that a backend took and dropped is not repeated", "RFC 9110 9.2.2", (message(b"POST / HTTP/1.1", HOST, b"Content-Length: 5", body=b"hello"),), (Answer((502,)),), replies=((Act.BODY, Act.CLOSE),), seen=(Seen(),)),
    limited("a request line over 8 KiB", "RFC 9110 15.5.15", message(b"GET /" + b"a" * 9000 + b" HTTP/1.1", HOST), 414),
    limited("a request line of 100 KiB", "RFC 9110 15.5.15", message(b"GET /" + b"a" * 100_000 + b" HTTP/1.1", HOST), 414),
    limited("a header block over 32 KiB in one field", "RFC 6585 5", message(LINE, HOST, b"X-A: " + b"a" * 40_000), 431, 400),
    limited("a header block over 32 KiB in many fields", "RFC 6585 5", message(LINE, HOST, *[b"X-%d: " % index + b"a" * 900 for index in range(60)]), 431, 400),
    limited("more than 100 fields", "RFC 6585 5", message(LINE, HOST, *[b"X-%d: 1" % index for index in range(150)]), 431, 400),
    limited("a method of 10 KiB", "RFC 9112 3", message(b"A" * 10_000 + b" / HTTP/1.1", HOST), 400, 414, 501),
    passed("limit: a request line of 7 KiB is fine", "RFC 9112 3", message(b"GET /" + b"a" * 7000 + b" HTTP/1.1", HOST), b"GET /" + b"a" * 7000 + b" HTTP/1.1"),
    passed("limit: a field of 7 KiB is fine", "RFC 9110 5.4", message(LINE, HOST, b"X-A: " + b"a" * 7000), has=(b"X-A: " + b"a" * 7000,)),
    passed("limit: ninety fields are fine", "RFC 9110 5.4", message(LINE, HOST, *[b"X-%d: 1" % index for index in range(90)]), has=(b"X-0: 1", b"X-89: 1")),
]
