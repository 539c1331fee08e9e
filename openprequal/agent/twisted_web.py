"""OpenPrequal for twisted.web: a Site, Klein and any other resource join the gateway by one line.

``site = Site(wrap(resource, port=8001))`` (docs/backends.md).
"""

from collections.abc import Sequence
from typing import Any

from twisted.web.resource import IResource, Resource, getChildForRequest
from twisted.web.server import Request

from openprequal.agent.report_format import health_body, report_fields
from openprequal.agent.workers.here import backend_process
from openprequal.agent.workers.process import BackendProcess
from openprequal.agent.workers.tracker import WorkerRequest
from openprequal.values import LoadReport, LoadState


def wrap(resource: IResource, *, backend: BackendProcess | None = None, **settings: Any) -> Resource:
    """*resource*, for the root of a Site: its requests are counted until they end, every response tells the load, the
    health path is answered, and the gateway joined, at once.

    A request that asks for an upgrade (``Upgrade: websocket``) is not counted: what takes its transport away never says
    when it ends.

    :param backend: what counts and joins; None: this process's, made of the settings.
    :param settings: :class:`~openprequal.config.middleware.MiddlewareSettings` by name, before the environment.
    """
    return _Counted(resource, backend if backend is not None else backend_process(**settings))


class _Counted(Resource):
    def __init__(self, resource: IResource, backend: BackendProcess) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._resource = resource
        self._backend = backend
        self._health = _Health(backend)

    def getChildWithDefault(self, path: bytes, request: Request) -> IResource:
        """Every request comes by here, once."""
        if request.path == self._backend.health_path.encode("ascii"):
            return self._health
        if not request.requestHeaders.hasHeader(b"upgrade"):
            _count(request, self._backend.begin(), self._backend.report_formats)
        assert request.prepath is not None
        assert request.postpath is not None
        request.prepath.pop()
        request.postpath.insert(0, path)
        found: IResource = getChildForRequest(self._resource, request)
        return found


class _Health(Resource):
    isLeaf = True

    def __init__(self, backend: BackendProcess) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._backend = backend

    def render(self, request: Request) -> bytes:
        report = self._backend.tracker.report()
        if report.state is LoadState.DRAINING:
            request.setResponseCode(503)
        body = health_body(report)
        request.setHeader(b"content-type", b"application/json")
        _tell(request, report, self._backend.report_formats)
        return body


def _count(request: Request, counted: WorkerRequest, formats: Sequence[str]) -> None:
    # It fires whichever way the request ends, so that the count cannot leak.
    request.notifyFinish().addBoth(lambda _: counted.end())
    write = request.write

    def first_write(data: bytes) -> None:
        """The head goes out with the first write, which is where the response is handed over."""
        request.write = write  # type: ignore[method-assign]
        fields = request.responseHeaders.getRawHeaders(b"content-type") or (b"",)
        _tell(request, counted.answered(not fields[0].startswith(b"text/event-stream")), formats)
        write(data)  # type: ignore[no-untyped-call]

    request.write = first_write  # type: ignore[method-assign]


def _tell(request: Request, report: LoadReport, formats: Sequence[str]) -> None:
    for name, value in report_fields(report, formats):
        request.setHeader(name, value)
