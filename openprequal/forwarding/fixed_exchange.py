"""An exchange that the gateway answers by itself: a redirect, a fixed response, or that there is no such route."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from openprequal.errors import GatewayError, RequestTimeout
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import CLIENT_CLOSED
from openprequal.forwarding.field_edits import FieldEdits
from openprequal.forwarding.whole_response import respond_whole
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead

DRAINED_BYTES: Final = 64 * 1024
"""So much of a body is read and thrown away, so that the connection goes on; what is longer ends it."""


@frozen
class Answer:
    """A whole response."""

    status: int
    fields: tuple[Field, ...] = ()
    content: bytes = b""


@frozen
class AnswerRules:
    """What all fixed answers of a route share."""

    now: Callable[[], float]
    answer: Callable[[RequestHead], Answer | GatewayError]
    date: Callable[[], Field]
    edits: FieldEdits | None
    counted: Callable[[RequestHead, int, float], None]
    """Told of each request, its status and the seconds it took."""
    stall_s: float = 60.0


class FixedExchange:
    """One request that no backend sees. It is answered when its body is whole, or at once if that is long."""

    __slots__ = ("_began_at", "_client", "_left", "_moved_at", "_request", "_rules", "_settled")

    def __init__(self, rules: AnswerRules, client: Downstream, request: RequestHead) -> None:
        self._rules = rules
        self._client = client
        self._request = request
        self._left = DRAINED_BYTES
        self._began_at = self._moved_at = rules.now()
        self._settled = False

    def start(self, body: bytes, ended: bool) -> None:
        # Whoever waits for 100 (Continue) must not be waited for (RFC 9110 section 10.1.1).
        if ended or self._request.length > DRAINED_BYTES or self._request.header(b"expect") is not None:
            self._answer()
        else:
            self.request_more(body)

    def request_more(self, chunk: bytes) -> None:
        self._moved_at = self._rules.now()
        self._left -= len(chunk)
        if self._left < 0:
            self._answer()

    def request_end(self, trailers: list[Field]) -> None:
        self._answer()

    def client_gone(self) -> None:
        self._settle(CLIENT_CLOSED)

    def client_congested(self) -> None:
        """The answer is short."""

    def client_drained(self) -> None:
        """The answer is short."""

    def refuse(self, error: GatewayError) -> None:
        if not self._settled:
            self._client.respond_error(error)
            self._settle(error.status)

    def expire(self, now: float) -> None:
        if now - self._moved_at > self._rules.stall_s:
            self.refuse(RequestTimeout("its body stalled"))

    def shut_down(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self._settled:
            return
        rules, request = self._rules, self._request
        answer = rules.answer(request)
        if isinstance(answer, GatewayError):
            self.refuse(answer)
            return
        section = FieldSection([*answer.fields, rules.date()])
        if rules.edits is not None:
            section = rules.edits.of_section(section, request)
        respond_whole(self._client, request, answer.status, section, answer.content)
        self._settle(answer.status)

    def _settle(self, status: int) -> None:
        if self._settled:
            return
        self._settled = True
        now = self._rules.now()
        self._rules.counted(self._request, status, now - self._began_at)
        self._client.settled(now)
