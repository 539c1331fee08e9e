"""What must hold of every case, however broken: compares what each side got with what the bytes say by the letter."""

from attrs import define, field

from openprequal.testing.memory_transport import Ended
from tests.fuzz.case import Case, End
from tests.fuzz.drive import Observation
from tests.fuzz.judge_request import request_complaints, same_request
from tests.fuzz.judge_response import Expected, answered, from_gateway, response_complaints, second_opinion
from tests.fuzz.scripted_backend import Served
from tests.fuzz.wire import Incomplete, Malformed, Message, read_request, read_response

_IDEMPOTENT = (b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE")


@define
class Verdict:
    """What is wrong, and what must be the same however the case is cut."""

    complaints: list[str]
    invariant: list[object] = field(factory=list)
    """Requests and responses, up to the first thing whose outcome may depend on timing."""


@define
class _Asked:
    """What the client asked for, by the letter."""

    requests: list[Message] = field(factory=list)
    rest: bytes = b""
    """What follows the last of them."""
    malformed: Malformed | None = None


def _read_client(data: bytes) -> _Asked:
    asked = _Asked()
    at = 0
    try:
        while True:
            message = read_request(data, at)
            asked.requests.append(message)
            at = message.end
            if not message.persistent:
                break
    except Malformed as error:
        asked.malformed = error
    except Incomplete:
        pass
    asked.rest = data[at:]
    return asked


def _is_local(message: Message) -> bool:
    """Answered by the gateway itself."""
    if message.method == b"CONNECT":
        return True
    return message.method in (b"TRACE", b"OPTIONS") and [int(value) for value in message.values(b"max-forwards")] == [0]


def judge(case: Case, seen: Observation) -> Verdict:
    """Everything that is wrong with what *case* did."""
    return _Judgement(case, seen).verdict()


class _Judgement:
    def __init__(self, case: Case, seen: Observation) -> None:
        self.case = case
        self.seen = seen
        self.asked = _read_client(case.client)
        self.served = [one for one in seen.served if not one.head.target.startswith(b"/witness-")]
        self.complaints = list(seen.complaints)
        self.invariant: list[object] = []
        # A backend that ends connections by itself races with the next request on them.
        self.racy = any(answer.end != End.KEEP for answer in case.answers)
        self.timing = self.racy or case.end != End.KEEP or any(answer.early for answer in case.answers)
        # What a slow client has not read, the reset that tells it of a later broken response destroys.
        self.timing |= case.dial in ("refuse", "hang") or "client" in case.slow
        self.comparable = True
        self.unread: list[Message] = []

    def verdict(self) -> Verdict:
        at = 0
        last: Message | None = None
        for number, request in enumerate(self.asked.requests):
            self.unread = self.asked.requests[number + 1 :]
            served = self._next_served(request)
            expected = Expected(request, served)
            got = self._read_response(at, request.method, expected)
            if got is None:
                self._check_unanswered(request, served, expected)
                at = len(self.seen.client)
                break
            last, at = got, got.end
            self._check(request, served, got, expected)
            if got.status == 101 or not got.persistent:
                break
        else:
            if self.asked.malformed is not None and (last is None or last.persistent):
                at = self._check_refusal(at, self.asked.malformed)
        if at < len(self.seen.client) and not (last is not None and last.status == 101):
            rest = self.seen.client[at:]
            if not self._answers_what_never_became_whole(rest):
                self.complaints.append(f"the client received {rest[:300]!r} for nothing")
        self._check_leftover_served()
        return Verdict(self.complaints, self.invariant)

    # ---- which backend request is which -----------------------------------------------------------------------------

    def _next_served(self, request: Message) -> Served | None:
        """The attempt that was answered, of those made for *request*."""
        found: Served | None = None
        while self.served and same_request(request, self.served[0].head):
            if found is not None and request_complaints(request, self.served[0]):
                break  # another request for the same
            previous, found = found, self.served.pop(0)
            self.complaints += request_complaints(request, found)
            if previous is not None and not self._may_repeat(previous):
                self.complaints.append(f"{request.target!r} was sent twice")
            if not self.served or not self._was_repeated(found):
                break
        return found

    def _may_repeat(self, first: Served) -> bool:
        return first.reused and self._was_repeated(first) and first.head.method in _IDEMPOTENT

    def _was_repeated(self, first: Served) -> bool:
        """Did it get no answer because its connection had been ended before it came?"""
        return self.racy and (not first.sent or first.ended == End.RESET) and first.raw.ended is not None

    def _check_leftover_served(self) -> None:
        for request in self.unread:
            # Responses that a connection's end destroyed on their way.
            self._next_served(request)
        for served in self.served:
            if served.whole is not None:
                self.complaints.append(f"the backend was asked what nobody asked: {served.head.line!r}")

    # ---- responses --------------------------------------------------------------------------------------------------

    def _read_response(self, at: int, method: bytes, expected: Expected) -> Message | None:
        """The response at *at* of what the client received; None: it is not there, or not complete."""
        by_gateway = self.case.end == End.KEEP or self.seen.quiet_end is not None
        orderly = by_gateway and self.seen.end is Ended.FINISHED
        try:
            return read_response(self.seen.client, at, method, upgrade=expected.upgraded, closed=orderly)
        except Incomplete:
            return None
        except Malformed as error:
            self.complaints.append(f"the client received {self.seen.client[at:][:300]!r}: {error}")
            return None

    def _check(self, request: Message, served: Served | None, got: Message, expected: Expected) -> None:
        self.complaints += second_opinion(request, got, self.seen.client)
        if request.end > request.head_end if _is_local(request) else not expected.complete:
            # Whether its head goes on before its fault is seen, or a local answer comes before the request's end,
            # depends on timing.
            self.comparable = False
        if from_gateway(got) or _is_local(request):
            if self._must_be_forwarded(request, served, expected):
                self.complaints.append(f"{request.line!r} was answered {got.line!r}: stricter than the letter")
        elif served is None:
            self.complaints.append(f"{request.line!r} was answered {got.line!r} by nobody")
        else:
            self.complaints += response_complaints(request, expected, got)
        if got.status == 101 and served is not None:
            self._check_tunnel(served, got, expected)
        if self.comparable and not self.timing:
            forwarded = None if served is None or served.whole is None else answered(served.whole)
            self.invariant.append((forwarded, answered(got)))

    def _must_be_forwarded(self, request: Message, served: Served | None, expected: Expected) -> bool:
        if _is_local(request) or self.case.limits or self.case.dial in ("refuse", "hang") or len(request.fields) > 100:
            return False
        if self.racy or self.seen.busy:
            return False
        return served is None or (expected.complete and not served.answer.early)

    def _check_unanswered(self, request: Message, served: Served | None, expected: Expected) -> None:
        """There is no complete response to *request*: the client must be able to tell, and somebody be to blame."""
        self.comparable = False
        if self.seen.end is None:
            self.complaints.append("no complete response and no end")
        excused = self.racy or self.case.end != End.KEEP or "client" in self.case.slow
        if not excused and (served is None or (expected.complete and not served.answer.early)):
            self.complaints.append(f"{request.line!r} was not answered: {self.seen.client[-200:]!r}")

    def _check_refusal(self, at: int, malformed: Malformed) -> int:
        """After what is no request comes an error and the end, or, if more could come, nothing."""
        if at == len(self.seen.client):
            if self.seen.quiet_end is None and self.case.end == End.KEEP and not self.seen.busy:
                self.complaints.append(f"no refusal for {malformed}")
            return at
        got = self._read_response(at, malformed.method, Expected(None, None))
        if got is None:
            return len(self.seen.client)
        if got.persistent or not from_gateway(got):
            # Whoever answered early may have done so before the fault came.
            if not self.timing and self.served == []:
                self.complaints.append(f"{malformed} was answered {got.line!r}")
        elif self.comparable and not self.timing:
            # Which of its faults is seen first may depend on where it is cut.
            self.invariant.append("refused")
        self.served = [one for one in self.served if one.whole is not None]
        return got.end

    def _answers_what_never_became_whole(self, data: bytes) -> bool:
        """The gateway refuses, after a while, a request whose end does not come; a backend may answer it early."""
        if self.served and self.served[0].whole is None:
            self.served.pop(0)
            return True
        return data.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) and b"application/problem+json" in data

    def _check_tunnel(self, served: Served, got: Message, expected: Expected) -> None:
        sent = self.case.client[expected.request.end :] if expected.request is not None else b""
        if not sent.startswith(served.tunnel):
            self.complaints.append(f"the backend's tunnel brought {served.tunnel[:100]!r}, not {sent[:100]!r}")
        received, answer = self.seen.client[got.end :], expected.tunnel
        if not answer.startswith(received):
            self.complaints.append(f"the client's tunnel brought {received[:100]!r}, not {answer[:100]!r}")
        if self.seen.quiet_end is None and (served.tunnel != sent or received != answer):
            self.complaints.append(f"the tunnel holds back: {served.tunnel[:100]!r} of {sent[:100]!r}")
