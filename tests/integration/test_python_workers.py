"""Several processes of one Python application: one backend, whatever becomes of each."""

import contextlib
import http.client
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from load import Load
from python_application import application
from running import Running, alive, ask, backends, eventually, free_ports, gateway
from websockets.sync.client import connect

GATED = """
import os, time
from openprequal.agent.wsgi import OpenPrequal

def app(environ, start_response):
    while environ["PATH_INFO"] == "/held" and not os.path.exists("open"):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]

application = OpenPrequal(app)
"""


LASTING = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from openprequal.agent.asgi import OpenPrequal

async def echo(socket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)

async def lasting(request):
    async def chunks():
        while True:
            yield b"chunk"
            await asyncio.sleep(0.02)
    return StreamingResponse(chunks())

async def breaks(request):
    raise ValueError("bug")

routes = [WebSocketRoute("/echo", echo), Route("/lasting", lasting), Route("/breaks", breaks)]
app = OpenPrequal(Starlette(routes=routes))
"""


@contextlib.contextmanager
def uvicorn(folder: Path, gateway_port: int, *more: str) -> Iterator[tuple[Running, str, int]]:
    """With the URL and the port."""
    (folder / "lasting.py").write_text(LASTING)
    port = free_ports()
    arguments = [f"--port={port}", *more, "lasting:app"]
    with application("uvicorn", arguments, folder, gateway_port, str(port)) as (command, url):
        yield command, url, port


@contextlib.contextmanager
def gunicorn(folder: Path, gateway_port: int, *more: str) -> Iterator[tuple[Running, str, int, int]]:
    """Two synchronous workers; with the URL, the port and the port that answers probes."""
    (folder / "gated.py").write_text(GATED)
    port = free_ports(2)
    arguments = [f"--bind=127.0.0.1:{port}", "--workers=2", *more, "gated:application"]
    with application("gunicorn", arguments, folder, gateway_port, str(port), BACKEND_PROBE_PORT=str(port + 1)) as (
        command,
        url,
    ):
        yield command, url, port, port + 1


def is_up(gateway_port: int, url: str) -> bool:
    return bool(backends(gateway_port).get(url, {}).get("up"))


def probed(port: int) -> Any:
    return ask(port).json


def test_a_server_whose_workers_are_all_busy_answers_probes_and_tells_their_load(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port), gunicorn(tmp_path, port) as (command, url, own_port, probe_port):
        eventually(lambda: is_up(port, url), f"it is up: {command.output}")
        assert probed(probe_port)["rif"] == 0
        asking = [threading.Thread(target=ask, args=(own_port, "/held")) for _ in range(3)]
        for thread in asking:
            thread.start()
        # The third waits before the door: no worker has seen it.
        eventually(lambda: probed(probe_port)["rif"] == 2, "both workers are busy")
        assert ask(probe_port, "/anything").status == 200
        assert ask(probe_port, method="HEAD").body == b""
        (tmp_path / "open").touch()
        for thread in asking:
            thread.join()
        eventually(lambda: probed(probe_port)["rif"] == 0, "all are done")


def test_when_a_worker_is_killed_another_one_leads_and_its_requests_count_no_more(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port), gunicorn(tmp_path, port) as (command, url, own_port, probe_port):
        eventually(lambda: is_up(port, url), f"it is up: {command.output}")
        eventually(lambda: len(command.children()) == 2, "two workers")
        asking = [threading.Thread(target=_ask_whatever_comes, args=(own_port, "/held")) for _ in range(2)]
        for thread in asking:
            thread.start()
        eventually(lambda: probed(probe_port)["rif"] == 2, "both workers are busy")
        workers = command.children()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(map(alive, workers)), "they are gone")
        eventually(lambda: probed(probe_port)["rif"] == 0, "the next ones lead, and nothing is left of the dead")
        for thread in asking:
            thread.join()
        eventually(lambda: is_up(port, url), "it is up again")


def test_a_reload_of_the_workers_neither_unregisters_the_backend_nor_fails_a_request(tmp_path: Path) -> None:
    with gateway(tmp_path) as (gate, port), gunicorn(tmp_path, port) as (command, url, _, probe_port):
        eventually(lambda: is_up(port, url), f"it is up: {command.output}")
        eventually(lambda: len(command.children()) == 2, "two workers")
        before = set(command.children())
        with Load(port, 4) as load:
            eventually(lambda: len(load.requests) > 50, "it serves")
            command.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(command.children()) == 2 and not before & set(command.children()), "all are new")
            begun = len(load.requests)
            eventually(lambda: len(load.requests) > begun + 50, "it serves on")
        assert load.failed == []
        eventually(lambda: probed(probe_port)["state"] == "ready", "a new one leads")
        assert f"{url} left" not in gate.output


def test_an_application_that_does_not_say_where_it_listens_is_told_so_and_serves(tmp_path: Path) -> None:
    (tmp_path / "gated.py").write_text(GATED)
    port = free_ports()
    with application("gunicorn", [f"--bind=127.0.0.1:{port}", "gated:application"], tmp_path, 1, "") as (command, _):
        assert eventually(lambda: ask(port), "it serves").status == 200
        assert "set port= or BACKEND_PORT, or backend_url= or BACKEND_URL" in command.output
        assert ask(port, "/healthz").json["rif"] == 0


def test_a_gateway_that_starts_later_gets_to_know_the_backend(tmp_path: Path) -> None:
    gateway_port = free_ports()
    with gunicorn(tmp_path, gateway_port) as (command, url, own_port, _):
        eventually(lambda: ask(own_port), "it serves")
        eventually(lambda: "cannot register" in command.output, "it has tried")
        with gateway(tmp_path, port=gateway_port):
            eventually(lambda: is_up(gateway_port, url), "it has tried again")


def _ask_whatever_comes(port: int, path: str) -> None:
    with contextlib.suppress(OSError):
        ask(port, path)


@pytest.mark.parametrize("workers", [1, 2])
def test_web_sockets_and_streams_count_until_they_end_in_whatever_process_they_are(
    workers: int, tmp_path: Path
) -> None:
    with gateway(tmp_path) as (_, port), uvicorn(tmp_path, port, f"--workers={workers}") as (command, url, own_port):

        def rif() -> Any:
            return ask(own_port, "/healthz").json["rif"]

        eventually(lambda: is_up(port, url), f"it is up: {command.output}")
        with (
            connect(f"ws://127.0.0.1:{port}/echo") as through_gateway,
            connect(f"ws://127.0.0.1:{own_port}/echo") as own,
        ):
            for each in (through_gateway, own):
                each.send("hello")
                assert each.recv(10) == "hello"
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
                client.request("GET", "/lasting")
                assert client.getresponse().read(5) == b"chunk"
                eventually(lambda: rif() == 3, "all three are in flight")
            eventually(lambda: rif() == 2, "the client of the stream is gone")
        eventually(lambda: rif() == 0, "both are closed")
        assert ask(port, "/breaks").status == 500
        eventually(lambda: rif() == 0, "an exception leaks nothing")
