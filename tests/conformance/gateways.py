"""How is each gateway under test started in front of the scripted backend, and ended?"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from .backend import Backend
from .runner import Target

START_S = 15.0
ROOT = Path(__file__).resolve().parents[2]

HAPROXY = """
global
    nbthread 1
    maxconn 500
    tune.bufsize 49152
    tune.maxrewrite 8192
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    timeout http-request 5s
    option forwardfor
    option http-keep-alive
    option abortonclose
    http-reuse always
    retries 1
frontend main
    bind 127.0.0.1:{port}
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Request-Id %[uuid()] unless {{ req.hdr(x-request-id) -m found }}
    http-request add-header Via "1.1 haproxy"
    http-response add-header Via "1.1 haproxy"
    default_backend all
backend all
    server only 127.0.0.1:{backend}
"""

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 500; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    large_client_header_buffers 8 8k;
    map $http_upgrade $upgrading {{ default upgrade; '' ''; }}
    upstream all {{ server 127.0.0.1:{backend} max_fails=0; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        merge_slashes off;
        location / {{
            proxy_pass http://all;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrading;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_pass_header Server;
            proxy_pass_header Date;
        }}
    }}
}}
"""

STOCK_SITE = """
from twisted.application import internet, service
from twisted.internet import endpoints, reactor
from twisted.web.server import Site

from openprequal.assembly import proxy_resource
from openprequal.config.gateway import GatewaySettings

gateway, proxy = proxy_resource(reactor, GatewaySettings())
application = service.Application("stock-site")
gateway.setServiceParent(application)
endpoint = endpoints.serverFromString(reactor, "tcp:{port}:interface=127.0.0.1")
site = Site(proxy, parsePOSTFormSubmission=False)
internet.StreamServerEndpointService(endpoint, site).setServiceParent(application)
"""
TWISTD = str(Path(sys.executable).with_name("twistd"))


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: list[str], port: int, backend: Backend, joined: Callable[[], None], folder: Path
) -> Iterator[Target]:
    """Run *command* until the ``with`` ends; inside, the gateway on *port* reaches *backend*.

    :raises RuntimeError: it ended or did not answer in time; the message holds its output.
    """
    output = folder / "output.log"
    with output.open("wb") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True)
    try:
        _wait(lambda: _listening(port), process, output)
        joined()
        target = Target(("127.0.0.1", port), backend)
        _wait(lambda: _reaches_backend(port), process, output)
        yield target
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _reaches_backend(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/sentinel", timeout=1) as got:
        return bool(got.read() == b"ok")
    return False


def _wait(happened: Callable[[], bool], process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + START_S
    while not happened():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"did not start: {output.read_text(errors='replace')[-3000:]}")
        # Nothing signals that a foreign process has begun to listen; this is the driver, not a test.
        time.sleep(0.02)


def openprequal(backend: Backend) -> contextlib.AbstractContextManager[Target]:
    """The gateway with its defaults, the backend registered by hand."""
    return _ours(lambda port, _: [TWISTD, "-n", "openprequal", "--port", str(port)], backend)


def stock_site(backend: Backend) -> contextlib.AbstractContextManager[Target]:
    """The gateway as a resource in a Site as Twisted ships it, the backend registered by hand."""

    def command(port: int, folder: Path) -> list[str]:
        (folder / "site.tac").write_text(STOCK_SITE.format(port=port))
        return [TWISTD, "-n", "--pidfile=", "-y", "site.tac"]

    return _ours(command, backend)


@contextlib.contextmanager
def _ours(command: Callable[[int, Path], list[str]], backend: Backend) -> Iterator[Target]:
    port = free_port()

    def register() -> None:
        body = json.dumps({"url": f"http://127.0.0.1:{backend.port}"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/register", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=5):
            pass

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(command(port, folder), port, backend, register, folder) as target:
            yield target


@contextlib.contextmanager
def _configured(program: str, template: str, arguments: list[str], backend: Backend) -> Iterator[Target]:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if path is None:
        raise FileNotFoundError(f"{program} is not installed: apt-get install {program}")
    with tempfile.TemporaryDirectory() as name:
        port, folder = free_port(), Path(name)
        folder.chmod(0o755)
        file = folder / "configuration"
        file.write_text(template.format(port=port, backend=backend.port, folder=folder))
        with running([path, *arguments, str(file)], port, backend, lambda: None, folder) as target:
            yield target


def haproxy(backend: Backend) -> contextlib.AbstractContextManager[Target]:
    """HAProxy, configured to do a gateway's duties as far as it can."""
    return _configured("haproxy", HAPROXY, ["-f"], backend)


def nginx(backend: Backend) -> contextlib.AbstractContextManager[Target]:
    """nginx, likewise."""
    return _configured("nginx", NGINX, ["-e", "stderr", "-c"], backend)
