"""How is the API server asked for a whole list, or for a stream of changes, and what goes wrong with that?"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from openprequal.errors import ConfigurationError

ANSWER_TIMEOUT_S: Final = 30.0
"""For the head of a response, and for the whole of one that is no stream."""
MAX_PAGE: Final = 64 << 20
"""Bytes of one page of a list."""
MAX_LINE: Final = 8 << 20
"""Bytes of one event: a slice has at most 1000 endpoints, and the cluster's store takes 1.5 MiB of it."""
MAX_RETRY_AFTER_S: Final = 300.0
_MAX_REFUSAL: Final = 64 << 10


class ApiFailure(Exception):
    """The API server did not answer, or not with what was asked for.

    :ivar why: for people.
    :ivar status: of its answer; None: there was none.
    :ivar retry_after_s: it asks not to be asked before that many seconds have gone by.
    """

    def __init__(self, why: str, status: int | None = None, retry_after_s: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.status = status
        self.retry_after_s = retry_after_s


@frozen
class ApiRequests:
    """Asks one API server. Whatever is under way can be cancelled; its connection is then gone."""

    clock: IReactorTime
    url: str
    agent: Callable[[], IAgent]
    """Makes what one request is sent with."""
    token: Callable[[], str | None]
    """What it carries; see :meth:`~openprequal.registry.kubernetes.api_server.ApiServer.token`."""

    async def read(self, path: str, query: Mapping[str, str]) -> Any:
        """The JSON value that is at *path*.

        :raises ApiFailure: there is none.
        """
        response = await self._ask(path, query)
        body = await self._whole(response, MAX_PAGE)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise ApiFailure("its answer is no JSON") from None

    async def stream(
        self,
        path: str,
        query: Mapping[str, str],
        began: Callable[[], object],
        take_line: Callable[[bytes], object],
        timeout_s: float,
    ) -> None:
        """Give every line of the stream at *path* to *take_line*; done when the server has ended it as it should.

        :param began: told that there is a stream.
        :param take_line: may raise :class:`ApiFailure`, which ends the stream.
        :param timeout_s: the stream must have ended by then: if not, nobody may be at its other end.
        :raises ApiFailure: it cannot be had, or broke.
        """
        response = await self._ask(path, query)
        began()
        body = _Body(Lines(take_line).feed)
        response.deliverBody(body)
        await body.ended.addTimeout(timeout_s, self.clock, onTimeoutCancel=_silent)

    async def _ask(self, path: str, query: Mapping[str, str]) -> IResponse:
        """:raises ApiFailure: the answer is not 200."""
        headers = Headers({b"accept": [b"application/json"], b"user-agent": [b"openprequal"]})
        try:
            token = self.token()
            agent = self.agent()
        except (OSError, UnicodeDecodeError, ConfigurationError) as error:
            raise ApiFailure(f"credentials: {error}") from None
        if token is not None:
            headers.setRawHeaders(b"authorization", [f"Bearer {token}".encode("ascii")])
        uri = f"{self.url}{path}?{urlencode(query)}".encode("ascii")
        asked = agent.request(b"GET", uri, headers, None)
        try:
            response: IResponse = await asked.addTimeout(ANSWER_TIMEOUT_S, self.clock, onTimeoutCancel=_silent)
        except (ApiFailure, CancelledError):
            raise
        except Exception as error:
            raise ApiFailure(f"cannot be asked: {_cause(error)}") from None
        if response.code != 200:
            raise await self._refusal(response)
        return response

    async def _refusal(self, response: IResponse) -> ApiFailure:
        message = ""
        try:
            status = json.loads(await self._whole(response, _MAX_REFUSAL))
            message = status["message"] if isinstance(status, dict) and isinstance(status.get("message"), str) else ""
        except (ApiFailure, ValueError, RecursionError):
            pass
        told = f": {ascii(message)[1:-1][:300]}" if message else ""
        return ApiFailure(f"answers {response.code}{told}", response.code, _retry_after_s(response))

    async def _whole(self, response: IResponse, limit: int) -> bytes:
        whole = bytearray()

        def take(data: bytes) -> None:
            if len(whole) + len(data) > limit:
                raise ApiFailure(f"its answer has more than {limit} bytes")
            whole.extend(data)

        body = _Body(take)
        response.deliverBody(body)
        await body.ended.addTimeout(ANSWER_TIMEOUT_S, self.clock, onTimeoutCancel=_silent)
        return bytes(whole)


class Lines:
    """Puts the lines of a stream together, wherever it is cut."""

    def __init__(self, take_line: Callable[[bytes], object], limit: int = MAX_LINE) -> None:
        self._take_line = take_line
        self._limit = limit
        self._begun: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> None:
        """*data* is what comes next.

        :raises ApiFailure: a line is over the limit.
        """
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._begin(end)
            line = b"".join(self._begun)
            self._begun.clear()
            self._length = 0
            if line.strip():
                self._take_line(line)
        if rest:
            self._begin(rest)

    def _begin(self, data: bytes) -> None:
        self._length += len(data)
        if self._length > self._limit:
            raise ApiFailure(f"an event has more than {self._limit} bytes")
        self._begun.append(data)


class _Body(Protocol):
    """Hands on what arrives; :attr:`ended` fires when that was all, and fails if something is missing."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.ended: Deferred[None] = Deferred(lambda _: self._end(None))
        self._take = take
        self._over = False

    def dataReceived(self, data: bytes) -> None:
        if self._over:
            return
        try:
            self._take(data)
        except Exception:
            self._end(Failure())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._over:
            return
        self._over = True
        if reason.check(ResponseDone, PotentialDataLoss):
            self.ended.callback(None)
        else:
            self.ended.errback(ApiFailure(f"the connection broke: {_cause(reason.value)}"))

    def _end(self, failure: Failure | None) -> None:
        """We want no more of it."""
        if self._over:
            return
        self._over = True
        # Twisted stands before the connection here with something that cannot abort, and to end TLS in good order takes
        # a peer that is there. It is None once all has arrived.
        connection: Any = getattr(self.transport, "_producer", self.transport)
        if connection is not None:
            connection.abortConnection()
        if failure is not None:
            self.ended.errback(failure)


def _silent(result: object, timeout_s: float) -> NoReturn:
    raise ApiFailure(f"is silent for {timeout_s:g} s")


def _cause(error: BaseException | None) -> str:
    """*error* for people; of Twisted's lists of failures the first."""
    reasons = getattr(error, "reasons", None)
    cause = reasons[0].value if reasons else error
    return str(cause) or type(cause).__name__


def _retry_after_s(response: IResponse) -> float:
    """What ``Retry-After`` asks for; API servers tell it in seconds (RFC 9110 section 10.2.3)."""
    told = (response.headers.getRawHeaders(b"retry-after") or [b""])[-1].strip()
    return min(float(told), MAX_RETRY_AFTER_S) if told.isdigit() and len(told) < 10 else 0.0
