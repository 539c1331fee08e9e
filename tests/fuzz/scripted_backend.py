"""A backend that reads strictly, answers what the case says, in its pieces, and remembers what it was asked."""

from collections.abc import Callable

from attrs import define

from openprequal.testing.memory_transport import RawConnection
from openprequal.testing.network import RawBackend
from tests.fuzz.case import Answer, End, pieces
from tests.fuzz.wire import Incomplete, Malformed, Message, read_request, read_request_head, read_response

PLAIN = Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain")


@define
class Served:
    """One request that a backend was asked, and what it answered."""

    connection: int
    head: Message
    raw: RawConnection
    answer: Answer
    whole: Message | None = None
    """None: its end has not come."""
    reused: bool = False
    """It was not the first on its connection."""
    sent: int = 0
    """Bytes of the answer that were sent."""
    ended: str = End.KEEP
    """How the backend ended the connection after it, if it did."""

    @property
    def tunnel(self) -> bytes:
        """What came after the request, if it was upgraded."""
        return self.raw.received[(self.whole or self.head).end :]


@define
class Hearing:
    """What the backends of a case share."""

    answers: list[Answer]
    served: list[Served]
    complaints: list[str]
    slow: bool = False
    """New connections read nothing."""


class ScriptedBackend:
    """All connections of one backend."""

    def __init__(self, backend: RawBackend, hearing: Hearing) -> None:
        self._backend = backend
        self._hearing = hearing
        self._ends: list[_ConnectionEnd] = []

    def moves(self) -> list[Callable[[], None]]:
        """What its connections could do next."""
        for raw in self._backend.connections[len(self._ends) :]:
            self._ends.append(_ConnectionEnd(raw, len(self._ends), self._hearing))
            if self._hearing.slow:
                raw.stop_reading()
        return [end.move for end in self._ends if end.can_move()]

    def read_on(self) -> None:
        """Its connections read what has piled up."""
        for raw in self._backend.connections:
            raw.read_on()

    def send_late(self, turn: Callable[[], None]) -> None:
        """Idle connections say more than they were asked for, where the case wants it."""
        for end in self._ends:
            if end.late and end.raw.ended is None:
                end.raw.post(end.late)
                turn()
                if end.raw.ended is None:
                    self._hearing.complaints.append("a connection stays open after bytes that nobody asked for")


class _ConnectionEnd:
    """One connection."""

    def __init__(self, raw: RawConnection, number: int, hearing: Hearing) -> None:
        self.raw = raw
        self.late = b""
        self._number = number
        self._hearing = hearing
        self._at = 0
        self._length = -1
        self._count = 0
        self._served: Served | None = None
        self._to_send: list[bytes] = []
        self._answering = False
        self._deaf = False
        self._gone = False
        self._said_too_much = False

    def can_move(self) -> bool:
        if self._gone or self.raw.ended is not None:
            return False
        self._read()
        return self._answering

    def move(self) -> None:
        """Send the next piece, or end the connection."""
        served = self._served
        assert served is not None
        if self._to_send:
            piece = self._to_send.pop(0)
            self.raw.post(piece)
            served.sent += len(piece)
            if self._to_send or served.answer.end != End.KEEP:
                return
        elif served.answer.end != End.KEEP:
            served.ended = served.answer.end
            self._gone = True
            # Posted, not acted on: it may race with the next request.
            self.raw.post_end(reset=served.answer.end == End.RESET)
        self._answering = False
        self.late = served.answer.late
        if served.whole is not None and not self._deaf:
            self._next()

    def _next(self) -> None:
        self._served = None
        self._length = -1

    def _read(self) -> None:
        data = self.raw.received
        while not self._deaf and len(data) != self._length:
            self._length = len(data)
            try:
                if self._served is None:
                    self._read_head(data)
                served = self._served
                if served is None or served.whole is not None:
                    return
                served.whole = read_request(data, self._at, blank_lines=False)
                self._at = served.whole.end
                self._answer(served)
                if self._to_send and len(data) > self._at and not self._deaf:
                    self._hearing.complaints.append(f"a second request before the answer: {data[self._at :]!r}")
            except Malformed as error:
                self._deaf = True
                self._hearing.complaints.append(f"the backend was sent {data[self._at :][:300]!r}: {error}")
            except Incomplete:
                if self._served is not None and self._served.answer.early:
                    self._answer(self._served)

    def _read_head(self, data: bytes) -> None:
        if len(data) == self._at:
            return
        if self._said_too_much:
            self._hearing.complaints.append("another request after more than was asked for")
        head, _ = read_request_head(data, self._at, blank_lines=False)
        if head.target.startswith(b"/witness-"):
            answer = Answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(head.target), head.target))
        else:
            answers = self._hearing.answers
            answer = answers.pop(0) if answers else PLAIN
        self._served = Served(self._number, head, self.raw, answer, reused=self._count > 0)
        self._count += 1
        self._hearing.served.append(self._served)

    def _answer(self, served: Served) -> None:
        """Begin to answer, once."""
        if self._answering or served.sent:
            if served.whole is not None and not self._answering and not self._deaf:
                self._next()
            return
        answer = served.answer
        cuts = answer.cuts
        try:
            asked = bool(served.head.values(b"upgrade"))
            response = read_response(answer.data, 0, served.head.method, upgrade=asked)
            if response.status == 101:
                self._deaf = True
            else:
                # What comes after the end must come with it: later, it would be taken for the next answer by anybody.
                cuts = tuple(cut for cut in cuts if cut < response.end)
                self._said_too_much = response.end < len(answer.data)
        except (Malformed, Incomplete):
            pass
        self._to_send = pieces(answer.data, cuts)
        self._answering = True
