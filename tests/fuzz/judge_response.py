"""Is what the client got what the backend answered?"""

import h11

from openprequal.testing.network import PSEUDONYM
from tests.fuzz.case import End
from tests.fuzz.judge_request import end_to_end, trailers
from tests.fuzz.scripted_backend import Served
from tests.fuzz.wire import Incomplete, Malformed, Message, read_response

_ERRORS = (400, 408, 413, 414, 431, 500, 501, 502, 503, 504, 505, 508)


class Expected:
    """What a backend's answer is, by the letter.

    :ivar message: None: it is broken, or there is none.
    :ivar tunnel: what came after it, if it was 101.
    """

    def __init__(self, request: Message | None, served: Served | None) -> None:
        self.request = request
        self.message: Message | None = None
        self.tunnel = b""
        if request is None or served is None:
            return
        sent = served.answer.data[: served.sent]
        asked = bool(served.head.values(b"upgrade"))
        closed = served.ended == End.CLOSE and served.sent == len(served.answer.data)
        try:
            message = read_response(sent, 0, request.method, upgrade=asked, closed=closed)
        except (Malformed, Incomplete):
            return
        if message.status == 101 and served.whole is None:
            return
        self.message = message
        self.tunnel = sent[message.end :]

    @property
    def complete(self) -> bool:
        return self.message is not None

    @property
    def upgraded(self) -> bool:
        return self.message is not None and self.message.status == 101


def from_gateway(got: Message) -> bool:
    """The gateway made it; backends' responses carry our Via."""
    problem = got.values(b"content-type") == [b"application/problem+json"]
    return problem and got.status in _ERRORS and not got.values(b"via")


def answered(message: Message) -> object:
    """*message* without what may differ each time."""
    ours = frozenset((b"date", b"x-request-id"))
    return (message.line, end_to_end(message, ours), message.body, trailers(message), message.persistent)


def response_complaints(request: Message, expected: Expected, got: Message) -> list[str]:
    """How *got* differs from what the backend answered."""
    answer = expected.message
    if answer is None:
        return [f"{request.line!r}: a broken answer became a whole one: {got.line!r} {got.body[:100]!r}"]
    complaints = []
    if got.status != answer.status:
        complaints.append(f"status {got.status} instead of {answer.status}")
    if got.body != answer.body:
        complaints.append(f"body {got.body[:100]!r} instead of {answer.body[:100]!r}")
    ours = frozenset(answer.members(b"connection"))
    if not answer.values(b"date"):
        ours |= {b"date"}
    if end_to_end(got, ours) != end_to_end(answer, ours):
        complaints.append(f"fields {end_to_end(got, ours)} instead of {end_to_end(answer, ours)}")
    if len(got.values(b"date")) < 1:
        complaints.append("no Date")
    if not any(value.endswith(PSEUDONYM) for value in got.values(b"via")):
        complaints.append("no Via")
    if answer.status == 204 and got.values(b"content-length"):
        complaints.append("Content-Length with 204")
    interim = [message.status for message in answer.informational] if request.minor == 1 else []
    if [message.status for message in got.informational] != interim:
        complaints.append(f"interim {[message.status for message in got.informational]} instead of {interim}")
    chunked_on = request.minor == 1 and request.method != b"HEAD" and got.values(b"transfer-encoding")
    if chunked_on and trailers(got) != trailers(answer):
        complaints.append(f"trailers {got.trailers} instead of {answer.trailers}")
    return [f"{request.line!r}: {complaint}" for complaint in complaints]


def second_opinion(request: Message, got: Message, received: bytes) -> list[str]:
    """What h11 has to say to the response *got* in *received*."""
    if got.status == 101:
        return []
    connection = h11.Connection(h11.CLIENT)
    method = "HEAD" if request.method == b"HEAD" else "GET"
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    start = got.informational[0].start if got.informational else got.start
    body = b""
    try:
        connection.receive_data(received[start : got.end])
        if got.until_close:
            connection.receive_data(b"")
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return [f"h11 misses the end of {received[start : got.end][:300]!r}"]
            if isinstance(event, h11.Data):
                body += event.data
    except h11.RemoteProtocolError as error:
        return [f"h11: {error} in {received[start : got.end][:300]!r}"]
    return [] if body == got.body else [f"h11 reads {body[:100]!r}"]
