"""The WSGI middleware, driven by hand as a server does."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from twisted.internet.task import Clock

from openprequal.agent.latency import ENOUGH
from openprequal.agent.workers.process import BackendProcess
from openprequal.agent.wsgi import OpenPrequal
from openprequal.values import LoadState

FIELDS = [("Content-Type", "text/plain")]


class Server:
    """A server around an application, with a clock to move in between."""

    def __init__(self, app: Callable[["Server", Any, Any], Iterable[bytes]]) -> None:
        self.clock = Clock()
        self.backend = BackendProcess(None, self.clock)
        self.app = OpenPrequal(lambda environ, start_response: app(self, environ, start_response), backend=self.backend)
        self.status = ""
        self.fields: list[tuple[str, str]] = []

    @property
    def rif(self) -> float | None:
        return self.backend.tracker.report().rif

    @property
    def latency_s(self) -> float | None:
        return self.backend.tracker.report().latency_s

    def begin(self, path: str = "/", **environ: Any) -> Any:
        return self.app({"PATH_INFO": path, **environ}, self._start_response)

    def ask(self, path: str = "/") -> bytes:
        body = self.begin(path)
        try:
            return b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()

    def _start_response(self, status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., None]:
        self.status, self.fields = status, fields
        return lambda data: None


def hello(server: Server, environ: Any, start_response: Any) -> list[bytes]:
    server.clock.advance(0.25)
    start_response("200 OK", FIELDS)
    server.clock.advance(0.5)
    return [b"hello"]


def lazy(server: Server, environ: Any, start_response: Any) -> Iterator[bytes]:
    server.clock.advance(0.25)
    start_response("200 OK", FIELDS)
    yield b"hel"
    yield b"lo"


def test_a_request_is_counted_until_the_server_closes_its_body() -> None:
    server = Server(hello)
    body = server.begin()
    assert (list(body), server.rif) == ([b"hello"], 1)
    body.close()
    assert server.rif == 0


@pytest.mark.parametrize("app", [hello, lazy])
def test_the_latency_ends_with_the_head_wherever_the_application_gives_it(app: Any) -> None:
    server = Server(app)
    for _ in range(ENOUGH):
        assert server.ask() == b"hello"
    assert server.latency_s == pytest.approx(0.25)


@pytest.mark.parametrize("app", [hello, lazy])
def test_every_response_tells_the_load_without_its_own_request(app: Any) -> None:
    server = Server(app)
    server.ask()
    assert server.fields == [
        *FIELDS,
        ("OpenPrequal-Load", "rif=0, state=ready"),
        ("x-prequal-rif", "0"),
        ("x-prequal-latency-us", "0"),
    ]


def test_a_server_may_still_ask_how_long_a_list_is() -> None:
    assert len(Server(hello).begin()) == 1
    assert not hasattr(Server(lazy).begin(), "__len__")


def test_an_event_stream_gives_no_sample() -> None:
    def events(server: Server, environ: Any, start_response: Any) -> list[bytes]:
        server.clock.advance(5)
        start_response("200 OK", [("content-type", "text/event-stream")])
        return [b"data: 1\n\n"]

    server = Server(events)
    for _ in range(ENOUGH):
        server.ask()
    assert (server.rif, server.latency_s) == (0, None)


def test_an_application_that_raises_leaks_no_count() -> None:
    def raises(server: Server, environ: Any, start_response: Any) -> list[bytes]:
        raise ValueError("bug")

    server = Server(raises)
    with pytest.raises(ValueError, match="bug"):
        server.begin()
    assert server.rif == 0


def test_a_body_that_raises_leaks_no_count_though_the_server_forgets_to_close_it() -> None:
    def breaks(server: Server, environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", FIELDS)
        yield b"hel"
        raise ValueError("bug")

    server = Server(breaks)
    body = server.begin()
    assert next(body) == b"hel"
    with pytest.raises(ValueError, match="bug"):
        next(body)
    assert server.rif == 0


def test_a_client_that_leaves_early_leaks_no_count() -> None:
    server = Server(lazy)
    body = server.begin()
    next(body)
    body.close()
    assert server.rif == 0


def test_the_application_hears_that_its_body_is_closed() -> None:
    closed = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)
            raise OSError("cannot")

    server = Server(lambda server, environ, start_response: Body())
    body = server.begin()
    with pytest.raises(OSError, match="cannot"):
        body.close()
    assert closed == [True]
    assert server.rif == 0


def test_a_file_stays_one_that_the_server_can_send_by_its_own_means(tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    def sends(server: Server, environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", FIELDS)
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](path.open("rb"))
        return wrapped

    server = Server(sends)
    body = server.begin(**{"wsgi.file_wrapper": FileWrapper})
    assert isinstance(body, FileWrapper)
    assert server.rif == 1
    body.close()
    assert server.rif == 0
    assert body.filelike.closed


def test_the_head_may_be_replaced_after_an_error() -> None:
    def second_thoughts(server: Server, environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", FIELDS)
        try:
            raise ValueError("bug")
        except ValueError as error:
            start_response("500 Oops", FIELDS, (ValueError, error, None))
        return [b"sorry"]

    server = Server(second_thoughts)
    assert server.ask() == b"sorry"
    assert server.status == "500 Oops"
    assert server.rif == 0


def test_the_health_path_is_answered_with_the_load_and_is_no_request() -> None:
    server = Server(hello)
    assert server.ask("/healthz") == b'{"status": "ok", "rif": 0, "latency": null, "state": "ready"}'
    assert server.status == "200 OK"
    assert ("OpenPrequal-Load", "rif=0, state=ready") in server.fields
    server.backend.tracker.state = LoadState.DRAINING
    server.ask("/healthz")
    assert server.status == "503 Service Unavailable"


def test_it_keeps_to_the_letter_of_wsgi() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", FIELDS)
        return [b"hello"]

    outer = validator(OpenPrequal(validator(app), backend=BackendProcess(None)))
    environ: dict[str, Any] = {"QUERY_STRING": ""}
    setup_testing_defaults(environ)
    body = outer(environ, lambda status, fields, exc_info=None: lambda data: None)
    assert b"".join(body) == b"hello"
    body.close()  # type: ignore[attr-defined]
