"""The example backend: what does it answer, and what does an answer cost?

A stock twisted.web resource around :class:`~openprequal.agent.load.LoadTracker`: how a backend of your own would use
it, too.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from openprequal.agent.bodies import Discarded, Zeros
from openprequal.agent.hints import HINT_FIELD, HintRule, WarmHints, read_hint
from openprequal.agent.load import InFlight, LoadTracker
from openprequal.agent.report_format import DEFAULT_FORMATS, health_body, report_fields
from openprequal.metrics.exposition import exposition
from openprequal.values import LoadReport

BYTES_PREFIX = b"/bytes/"
"""``/bytes/<n>`` answers with n bytes, made as they are taken."""


class ExampleResource(Resource):
    """Answers any method at any path with who it is, after *work*; every response carries the load.

    :param work: called for each request; its Deferred says when the answer is ready and is cancelled when the client
        goes away before.
    :param response_bytes: length of the body; None: just the line.
    :param hint_rule: what of a request its hint is made of, as the gateway has it.
    :param report_formats: what the load is written in, see :func:`~openprequal.agent.report_format.report_fields`.
    :param warm: remembers the hints of what was served; the tracker asks it (``is_warm=warm.__contains__``).
    :ivar status_counts: responses so far by status code.
    """

    isLeaf = True

    def __init__(
        self,
        name: str,
        tracker: LoadTracker,
        work: "Callable[[], Deferred[None]]",
        registry: CollectorRegistry,
        *,
        health_path: str = "/healthz",
        response_bytes: int | None = None,
        hint_rule: HintRule | None = None,
        warm: WarmHints | None = None,
        report_formats: Sequence[str] = DEFAULT_FORMATS,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.status_counts: Counter[int] = Counter()
        self._name = name.encode()
        self._tracker = tracker
        self._work = work
        self._registry = registry
        self._health_path = health_path.encode()
        self._response_bytes = response_bytes
        self._hint_rule = hint_rule
        self._warm = warm
        self._report_formats = report_formats

    def render(self, request: Request) -> bytes | int:
        """Overridden instead of ``render_GET`` and its like, because any token is a method."""
        path = request.uri.partition(b"?")[0]
        if path == self._health_path:
            return self._health(request)
        if path == b"/metrics":
            content_type, body = exposition(self._registry, request.getHeader("accept") or "")
            return _whole(request, content_type.encode(), body)
        token = self._tracker.begin()
        # notifyFinish fires whichever way the request ends, so that the count cannot leak.
        finished = request.notifyFinish()
        finished.addBoth(lambda _: token.end())
        working = self._work()
        finished.addBoth(lambda _: working.cancel())
        working.addCallback(lambda _: self._answer(request, path, token))
        working.addErrback(_failed, request)
        return NOT_DONE_YET

    def _health(self, request: Request) -> bytes:
        report = self._tracker.report(hint=read_hint(_first(request, HINT_FIELD)))
        if self._tracker.draining:
            request.setResponseCode(503)
        self._tell_load(request, report)
        return _whole(request, b"application/json", health_body(report))

    def _tell_load(self, request: Request, report: LoadReport) -> None:
        for name, value in report_fields(report, self._report_formats):
            request.setHeader(name, value)

    def _answer(self, request: Request, path: bytes, token: InFlight) -> None:
        token.head()
        self._tell_load(request, token.report())
        self.status_counts[200] += 1
        if self._warm is not None and self._hint_rule is not None:
            self._warm.served(self._hint_rule.of(path, lambda name: _first(request, name)))
        length = path.removeprefix(BYTES_PREFIX)
        if length != path and length.isdigit():
            _stream(request, int(length))
            return
        body = b"%s %s %s\n" % (self._name, request.method, request.uri)
        received = request.content.length if isinstance(request.content, Discarded) else 0
        if received:
            body = b"%s %d bytes\n" % (body.rstrip(), received)
        if self._response_bytes is not None:
            body = body[: self._response_bytes].ljust(self._response_bytes, b".")
        request.write(_whole(request, b"text/plain; charset=utf-8", body))
        request.finish()


class ExampleRequest(Request):
    """A request whose body nobody keeps. The stock one also parses forms, however large."""

    def gotLength(self, length: int | None) -> None:
        """The head has arrived."""
        self.content = Discarded()


class ExampleSite(Site):
    """No line is logged per request: what happened is in the metrics."""

    noisy = False

    def __init__(self, reactor: Any, resource: Resource) -> None:
        super().__init__(resource, requestFactory=ExampleRequest, reactor=reactor)  # type: ignore[no-untyped-call]

    def log(self, request: HttpRequest) -> None:
        """Overridden to say nothing."""


def _whole(request: Request, content_type: bytes, body: bytes) -> bytes:
    request.setHeader(b"content-type", content_type)
    request.setHeader(b"content-length", str(len(body)).encode())
    return body


def _stream(request: Request, length: int) -> None:
    request.setHeader(b"content-type", b"application/octet-stream")
    request.setHeader(b"content-length", str(length).encode())
    if request.method == b"HEAD" or not length:
        request.write(b"")
        request.finish()
    else:
        Zeros(request, length).start()


def _failed(failure: Failure, request: Request) -> None:
    """The work failed, and not because the client went away: 500, as for a resource that raises."""
    if not failure.check(CancelledError):
        request.processingFailed(failure)


def _first(request: Request, name: bytes) -> bytes | None:
    """The value of the first field of that name."""
    values = request.requestHeaders.getRawHeaders(name)
    return values[0] if values else None
