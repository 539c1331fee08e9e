"""OpenPrequal for ASGI: FastAPI, Starlette, Django and any other application join the gateway by one line.

``app.add_middleware(OpenPrequal, port=8001)``, or ``application = OpenPrequal(application, port=8001)``
(docs/backends.md). The interface is that of the ASGI specification, version 3.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from openprequal.agent.report_format import health_body, report_fields
from openprequal.agent.workers.here import backend_process
from openprequal.agent.workers.process import BackendProcess
from openprequal.agent.workers.tracker import WorkerRequest
from openprequal.values import LoadState

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class OpenPrequal:
    """Counts requests and WebSockets until they end, tells the load on every response, answers the health path, and
    joins the gateway when the server starts.
    """

    def __init__(self, app: Application, *, backend: BackendProcess | None = None, **settings: Any) -> None:
        """
        :param backend: what counts and joins; None: this process's, made of the settings.
        :param settings: :class:`~openprequal.config.middleware.MiddlewareSettings` by name, before the environment.
        """
        self._app = app
        self._backend = backend if backend is not None else backend_process(**settings)
        self._health_path = self._backend.health_path
        self._formats = self._backend.report_formats

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, WebSocket or lifespan."""
        kind = scope["type"]
        if kind == "http":
            if scope["path"] == self._health_path:
                await self._health(send)
            else:
                await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request = self._backend.begin()

        async def counted(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                fields = [*message.get("headers", ())]
                fields += report_fields(request.answered(not _is_event_stream(fields)), self._formats)
                await send({**message, "headers": fields})
            elif kind == "http.response.body" and not message.get("more_body", False):
                try:
                    await send(message)
                finally:
                    # What the application does afterwards (background tasks) is no part of the response.
                    request.end()
            else:
                await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            request.end()

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request = self._backend.begin()

        async def counted(message: Message) -> None:
            # Refused, it gives no sample either: nobody waits for a WebSocket as for a response.
            report = request.answered(sample=False)
            if message["type"] in ("websocket.accept", "websocket.http.response.start"):
                message = {**message, "headers": [*message.get("headers", ()), *report_fields(report, self._formats)]}
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            _ended_without_sample(request)

    async def _lifespan(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self._backend.serve()

        async def noticed() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._backend.leave(wait=False)
            return message

        await self._app(scope, noticed, send)

    async def _health(self, send: Send) -> None:
        report = self._backend.tracker.report()
        body = health_body(report)
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        status = 503 if report.state is LoadState.DRAINING else 200
        fields += report_fields(report, self._formats)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})


def _is_event_stream(fields: list[tuple[bytes, bytes]]) -> bool:
    for name, value in fields:
        if name.lower() == b"content-type":
            return value.startswith(b"text/event-stream")
    return False


def _ended_without_sample(request: WorkerRequest) -> None:
    request.head(sample=False)
    request.end()
