"""The sentences that cases are made of: messages, and the usual ways in which a case goes."""

from .case import HOST, Act, Answer, Case, Ends, Look, Script, Seen

OK = b"HTTP/1.1 200 OK"
CHUNKED = b"Transfer-Encoding: chunked"
GET_LINE = b"GET / HTTP/1.1"


def message(*lines: bytes, body: bytes = b"") -> bytes:
    """An HTTP message of these head lines and this body."""
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


GET = message(GET_LINE, HOST)
DONE = message(OK, b"Content-Length: 2", body=b"ok")
OK_REPLY: Script = (Act.BODY, DONE)
EARLY_HINTS = message(b"HTTP/1.1 103 Early Hints", b"Link: </a.css>; rel=preload")


def refused(name: str, section: str, sent: bytes, status: int | tuple[int, ...] = 400) -> Case:
    """The gateway answers it itself, closes, and no byte of it reaches a backend."""
    allowed = status if isinstance(status, tuple) else (status,)
    return Case(name, section, (sent,), (Answer(allowed),), Ends.CLOSED, seen=())


def broken_off(name: str, section: str, sent: bytes, status: int | tuple[int, ...] = 400) -> Case:
    """The fault comes after the head, so the backend may have that, but never a complete request."""
    allowed = status if isinstance(status, tuple) else (status,)
    part = Seen(complete=False, optional=True)
    return Case(name, section, (sent,), (Answer(allowed),), Ends.CLOSED, seen=(part,))


def passed(
    name: str, section: str, sent: bytes, line: bytes | None = None, *, ends: Ends = Ends.OPEN, **look: object
) -> Case:
    """It is answered 200, and the backend sees it once, like this."""
    seen = Seen(line, Look(**look))  # type: ignore[arg-type]
    return Case(name, section, (sent,), (Answer((200,)),), ends, seen=(seen,))


def sends(name: str, section: str, *lines: bytes, **look: object) -> Case:
    """A GET with these lines; the backend sees it like this."""
    return passed(f"duty: {name}", section, message(GET_LINE, HOST, *lines), GET_LINE, **look)  # type: ignore[arg-type]


def own_answer(name: str, section: str, sent: bytes, *status: int) -> Case:
    """The gateway answers without asking a backend."""
    return Case(f"duty: {name}", section, (sent,), (Answer(status),), seen=())


def bad_line(name: str, line: bytes, status: int | tuple[int, ...] = 400, section: str = "RFC 9112 3") -> Case:
    """A request line that must be refused; the rest is fine."""
    return refused(f"line: {name}", section, message(line, HOST), status)


def answered(
    name: str, section: str, reply: bytes | Script, *, status: int = 200, ends: Ends = Ends.OPEN, **look: object
) -> Case:
    """The backend answers a GET with this, and the client sees this."""
    script = (Act.BODY, reply) if isinstance(reply, bytes) else reply
    answer = Answer((status,), Look(**look))  # type: ignore[arg-type]
    return Case(name, section, (GET,), (answer,), ends, replies=(script,))


def gets(name: str, section: str, *lines: bytes, **look: object) -> Case:
    """A response with these lines; the client sees it like this."""
    reply = message(OK, *lines, b"Content-Length: 2", body=b"ok")
    return answered(f"duty: {name}", section, reply, **{"body": b"ok", **look})  # type: ignore[arg-type]


def bad_gateway(name: str, section: str, reply: bytes | Script) -> Case:
    """What the backend answers is not HTTP, or could be read in two ways: 502, and nothing of it reaches the client."""
    script = (Act.BODY, reply) if isinstance(reply, bytes) else reply
    return Case(name, section, (GET,), (Answer((502,), Look(raw_lacks=b"poison")),), replies=(script,))


def cut_off(name: str, section: str, reply: bytes | Script, sent: bytes | None = None) -> Case:
    """The backend's response breaks after its head: the client must see that its own is not whole."""
    script = (Act.BODY, reply, Act.CLOSE) if isinstance(reply, bytes) else reply
    answer = Answer((200, 502), complete=False)
    return Case(name, section, (sent or GET,), (answer,), replies=(script,))


def get(path: bytes, *lines: bytes) -> bytes:
    """A GET of this path."""
    return message(b"GET " + path + b" HTTP/1.1", HOST, *lines)


def says(text: bytes) -> tuple[Act, bytes]:
    """A reply of this body."""
    return (Act.BODY, message(OK, b"Content-Length: %d" % len(text), body=text))


def answer(text: bytes) -> Answer:
    """The answer that :func:`says` this."""
    return Answer((200,), Look(body=text))
