"""OpenPrequal for WSGI: Flask, Django and any other application join the gateway by one line.

``application = OpenPrequal(application, port=8001)`` (docs/backends.md). The interface is that of PEP 3333.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from openprequal.agent.report_format import health_body, report_fields
from openprequal.agent.workers.here import backend_process
from openprequal.agent.workers.process import BackendProcess
from openprequal.agent.workers.tracker import WorkerRequest
from openprequal.values import LoadReport, LoadState

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class OpenPrequal:
    """Counts requests until their responses have ended, tells the load on every response, answers the health path, and
    joins the gateway, at once: several processes and threads are one backend, whose probes are answered by a thread of
    its own (``probe_port``), because those of the server may all be busy.
    """

    def __init__(self, app: Application, *, backend: BackendProcess | None = None, **settings: Any) -> None:
        """
        :param backend: what counts and joins; None: this process's, made of the settings.
        :param settings: :class:`~openprequal.config.middleware.MiddlewareSettings` by name, before the environment.
        """
        self._app = app
        self._backend = backend if backend is not None else backend_process(of_workers=True, **settings)
        self._health_path = self._backend.health_path
        self._formats = self._backend.report_formats

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        # A frontmost application has the whole path here, since nothing has been moved to SCRIPT_NAME.
        if environ.get("PATH_INFO") == self._health_path:
            return self._health(start_response)
        request = self._backend.begin()

        def counted(status: str, fields: list[tuple[str, str]], *exc_info: Any) -> Any:
            report = request.answered(not _is_event_stream(fields))
            return start_response(status, [*fields, *self._told(report)], *exc_info)

        try:
            body = self._app(environ, counted)
        except BaseException:
            request.end()
            raise
        return _counted_body(body, request, environ.get("wsgi.file_wrapper"))

    def _health(self, start_response: StartResponse) -> Iterable[bytes]:
        report = self._backend.tracker.report()
        body = health_body(report)
        status = "503 Service Unavailable" if report.state is LoadState.DRAINING else "200 OK"
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *self._told(report)]
        start_response(status, fields)
        return [body]

    def _told(self, report: LoadReport) -> list[tuple[str, str]]:
        fields = report_fields(report, self._formats)
        return [(name.decode("ascii"), value.decode("ascii")) for name, value in fields]


class _Body:
    """An application's body, counted until the server closes it or it breaks."""

    __slots__ = ("_body", "_chunks", "_request")

    def __init__(self, body: Iterable[bytes], request: WorkerRequest) -> None:
        self._body = body
        self._chunks: Iterator[bytes] | None = None
        self._request = request

    def __iter__(self) -> "_Body":
        return self

    def __next__(self) -> bytes:
        try:
            if self._chunks is None:
                self._chunks = iter(self._body)
            return next(self._chunks)
        except BaseException as error:
            if not isinstance(error, StopIteration):  # after the last chunk, the server may still have to send it
                self._request.end()
            raise

    def close(self) -> None:
        """The server has sent it, or gives up; it calls this in any case (PEP 3333)."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._request.end()


class _SizedBody(_Body):
    """One that is a list: a server may want to know that it has one item, whose length is that of the body."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]


def _counted_body(body: Iterable[bytes], request: WorkerRequest, file_wrapper: Any) -> Iterable[bytes]:
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        # The server sends it by other means than iteration (sendfile), but only while it is its own.
        with suppress(AttributeError):
            body.close = _then(getattr(body, "close", None), request.end)  # type: ignore[attr-defined]
            return body
    return _SizedBody(body, request) if isinstance(body, list | tuple) else _Body(body, request)


def _then(first: Callable[[], object] | None, then: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        try:
            if first is not None:
                first()
        finally:
            then()

    return both


def _is_event_stream(fields: list[tuple[str, str]]) -> bool:
    for name, value in fields:
        if name.lower() == "content-type":
            return value.startswith("text/event-stream")
    return False
