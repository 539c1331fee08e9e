"""What does a middleware add to a request? In memory, without a server: with it, less without it."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource

from openprequal.agent.asgi import OpenPrequal as Asgi
from openprequal.agent.twisted_web import wrap
from openprequal.agent.workers.process import BackendProcess
from openprequal.agent.workers.rows import SharedRows
from openprequal.agent.wsgi import OpenPrequal as Wsgi
from openprequal.bench.hot_path import microseconds

PROCESSES: Final = (1, 4, 32)
"""Of so many that share their counts; the others are idle here, but looked at all the same."""


async def _asgi_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def _sent(message: Any) -> None:
    return None


def _asgi(app: Any) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            try:
                app({"type": "http", "path": "/"}, None, _sent).send(None)
            except StopIteration:
                continue

    return work


def _wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def _start_response(status: str, fields: Any) -> None:
    return None


def _wsgi(app: Any) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            body = app({"PATH_INFO": "/"}, _start_response)
            for _chunk in body:
                pass
            if not isinstance(body, list):
                body.close()

    return work


class _Request:
    """As much of a twisted.web request as a wrapped resource is asked for."""

    def __init__(self) -> None:
        self.path = b"/"
        self.prepath: list[bytes] = []
        self.postpath = [b""]
        self.requestHeaders = Headers()
        self.responseHeaders = Headers({b"content-type": [b"text/plain"]})
        self._finished: list[Deferred[None]] = []

    def notifyFinish(self) -> "Deferred[None]":
        finished: Deferred[None] = Deferred()
        self._finished.append(finished)
        return finished

    def setHeader(self, name: bytes, value: bytes) -> None:
        self.responseHeaders.setRawHeaders(name, [value])

    def write(self, data: bytes) -> None:
        return None

    def finish(self) -> None:
        for finished in self._finished:
            finished.callback(None)


def _twisted(resource: Any) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            request = _Request()
            if type(resource) is not Resource:  # as Site.getResourceFor does
                request.prepath.append(request.postpath.pop(0))
                resource.getChildWithDefault(b"", request)
            request.write(b"hello")
            request.finish()

    return work


WAYS: Final[dict[str, tuple[Any, Callable[..., Any], Callable[[Any], Callable[[int], None]]]]] = {
    "ASGI": (_asgi_app, Asgi, _asgi),
    "WSGI": (_wsgi_app, Wsgi, _wsgi),
    "twisted.web": (Resource(), wrap, _twisted),
}


def report(count: int) -> None:
    """Measure and print a line for each kind of middleware and number of processes."""
    sys.stdout.write("what a middleware adds to a request\n")
    for name, (app, middleware, drive) in WAYS.items():
        without = microseconds(drive(app), count)
        for processes in PROCESSES:
            with TemporaryDirectory() as folder:
                rows = [SharedRows(Path(folder)) for _ in range(processes)]
                backend = BackendProcess(None)
                backend.tracker.join(rows[0])
                added = microseconds(drive(middleware(app, backend=backend)), count) - without
                for row in rows:
                    row.close()
            what = f"{name}, {processes} process{'es' if processes > 1 else ''}"
            sys.stdout.write(f"{what:<26}{added:>8.2f} µs\n")
