"""How do finished requests get to the collector, beside the requests and never in their way? By OTLP over HTTP.

A request that is over is put in a queue, and that is all that happens in its way. Once a second the queue is emptied:
some requests a turn of the reactor become spans, and these are posted, one batch after the other.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final

from attrs import field, frozen
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent

import openprequal
from openprequal.checks.asking import ask
from openprequal.forwarding.journey import Journey
from openprequal.tracing.spans import spans_of
from openprequal.tracing.trace import Trace
from openprequal.tracing.wire import export_request

QUEUE_MAX: Final = 5_000
"""Requests that wait to be sent; while there are so many, those that come are dropped."""
BATCH: Final = 500
"""Requests in one post: about 300 kB."""
TURN: Final = 50
"""Requests that become spans in one turn of the reactor: one or two milliseconds."""
POST_TIMEOUT_S: Final = 10.0
TRIES: Final = 6
"""Of one batch; the last is half a minute after the first."""
FIRST_PAUSE_S: Final = 1.0
LAST_TRY_S: Final = 2.0
"""How long the end of the gateway waits for what is left to be sent."""
_AGAIN: Final = frozenset((429, 502, 503, 504))
"""Statuses after which a batch may be sent again (OTLP specification, "Failures")."""


@frozen
class Destination:
    """Where spans go, and as whose."""

    url: bytes
    resource: Sequence[tuple[str, str]]
    """What they say of the gateway."""
    headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)
    """Sent along, for credentials."""


class Exporter:
    """Sends what it is told to one destination. What cannot be sent is dropped and counted.

    :param agent: posts.
    :param wall_clock: Unix time.
    :param bits: so many random ones.
    :param counts: gets spans counted: ``exported``, ``queue_full``, ``refused``, ``unreachable``.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        agent: IAgent,
        destination: Destination,
        *,
        wall_clock: Callable[[], float],
        bits: Callable[[int], int],
        counts: "Counter[str]",
    ) -> None:
        self._clock = clock
        self._agent = agent
        self._destination = destination
        self._wall_clock = wall_clock
        self._bits = bits
        self._counts = counts
        self._queue: deque[tuple[Journey, Trace]] = deque()
        self._batch: tuple[bytes, int] | None = None
        """Made, and not taken yet, with the number of its spans."""
        self._tries = 0
        self._due_at = float("-inf")
        self._sending: Deferred[None] | None = None
        self._well = True

    def add(self, journey: Journey, trace: Trace) -> None:
        """*journey* is over. Immediate."""
        if len(self._queue) < QUEUE_MAX:
            self._queue.append((journey, trace))
        else:
            self._counts["queue_full"] += 1 + len(journey.attempts)

    def tick(self) -> None:
        """Called once a second."""
        if self._sending is None and self._clock.seconds() >= self._due_at:
            self._begin()

    def close(self) -> "Deferred[None]":
        """Send what is left, if that takes no longer than :data:`LAST_TRY_S`. Never fails."""
        if self._sending is None:
            self._begin()
        if self._sending is None:
            return succeed(None)
        return self._sending.addTimeout(LAST_TRY_S, self._clock)

    def _begin(self) -> None:
        if self._queue or self._batch is not None:
            sending = self._sending = Deferred.fromCoroutine(self._send())
            sending.addErrback(self._failed).addCallback(self._ended)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("spans could not be made", failure=failure)

    def _ended(self, _: None) -> None:
        self._sending = None

    async def _send(self) -> None:
        while self._queue or self._batch is not None:
            if self._batch is None:
                self._batch = await self._made()
                self._tries = 0
            if not await self._taken(*self._batch):
                return
            self._batch = None

    async def _made(self) -> tuple[bytes, int]:
        """The next batch, with the number of its spans."""
        epoch_s = self._wall_clock() - self._clock.seconds()
        spans: list[bytes] = []
        for number in range(min(BATCH, len(self._queue))):
            if number and number % TURN == 0:
                await deferLater(self._clock, 0)
            spans += spans_of(*self._queue.popleft(), epoch_s, self._bits)
        request = export_request(self._destination.resource, "openprequal", openprequal.__version__, spans)
        return request, len(spans)

    async def _taken(self, batch: bytes, spans: int) -> bool:
        """Post *batch*; whether it is done with, one way or the other."""
        self._tries += 1
        try:
            status, wait_s = await self._posted(batch).addTimeout(POST_TIMEOUT_S, self._clock)
        except Exception as error:
            status, wait_s, why = None, None, str(error) or type(error).__name__
        else:
            why = f"answered {status}"
        if status is not None and 200 <= status < 300:
            self._counts["exported"] += spans
            self._say("traces are taken", well=True)
            return True
        self._say("traces are not taken: {why}", well=False, why=why)
        if status is not None and status not in _AGAIN:
            self._counts["refused"] += spans
            return True
        if self._tries >= TRIES:
            self._counts["unreachable"] += spans
            return True
        pause_s = FIRST_PAUSE_S * 2 ** (self._tries - 1)
        self._due_at = self._clock.seconds() + max(pause_s, wait_s or 0.0)
        return False

    def _posted(self, batch: bytes) -> "Deferred[tuple[int, float | None]]":
        """The status that answers *batch*, and how many seconds are to be waited, if it says so."""

        async def post() -> tuple[int, float | None]:
            headers = Headers({b"Content-Type": [b"application/x-protobuf"], b"User-Agent": [b"openprequal"]})
            for name, value in self._destination.headers:
                headers.addRawHeader(name, value)
            # What it says of single spans is not looked at.
            answer = await ask(self._agent, self._destination.url, headers, post=batch)
            wait = (answer.headers.getRawHeaders(b"retry-after") or [b""])[0]
            return answer.status, min(float(wait), 60.0) if wait.isdigit() and len(wait) < 6 else None

        return Deferred.fromCoroutine(post())

    def _say(self, text: str, *, well: bool, why: str = "") -> None:
        if well is not self._well:
            self._well = well
            say = self.log.info if well else self.log.warn
            # The query may hold a key.
            say(text + " ({url})", why=why, url=self._destination.url.partition(b"?")[0].decode("ascii"))
