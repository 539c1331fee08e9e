"""Ours: as it ships, started by twistd, every backend registered by ``POST /register``."""

import json
import sys
import urllib.request
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch, Running, own_environment


def program() -> str:
    """The twistd of this Python, else the one in PATH."""
    own = Path(sys.executable).with_name("twistd")
    return str(own) if own.exists() else find("twistd", "pip install openprequal")


def launch(port: int, backends: Sequence[int], folder: Path, flags: Sequence[str] = ()) -> Launch:
    """What to run. Defaults: metrics, the default balancer and its probing, time-outs are on."""
    return Launch([program(), "-n", "--pidfile=", "openprequal", "--port", str(port), *flags], own_environment())


def join(port: int, backends: Sequence[int]) -> None:
    """Register the backends by hand."""
    for each in backends:
        body = json.dumps({"url": f"http://127.0.0.1:{each}"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/register", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=10):
            pass


def admit(running: Running, port: int, backends: Sequence[int], folder: Path) -> None:
    """Register the new one."""
    join(port, backends[-1:])


PEER = Peer("openprequal", program, ("--version",), launch, admit, join)


def with_routes(count: int) -> Peer:
    """It with so many routes, of which the last and least exact takes the benchmark's requests."""

    def launched(port: int, backends: Sequence[int], folder: Path) -> Launch:
        tables = [
            *(f'hosts = ["h{each % 50}.example"]\npath_prefix = "/api/v{each}"' for each in range(count - 1)),
            'path_prefix = "/"',
        ]
        text = "".join(f'[[routes]]\nname = "r{number}"\n{table}\n' for number, table in enumerate(tables))
        file = folder / f"routes-{count}.toml"
        file.write_text(text)
        return launch(port, backends, folder, ("--config", str(file)))

    return Peer(f"{count} routes", program, ("--version",), launched, admit, join)


def with_access_log(form: str) -> Peer:
    """It with an access log of that format, in a file."""

    def launched(port: int, backends: Sequence[int], folder: Path) -> Launch:
        flags = ("--access-log", str(folder / f"access-{port}.log"), "--access-log-format", form)
        return launch(port, backends, folder, flags)

    return Peer(f"{form} log", program, ("--version",), launched, admit, join)


def balancing(name: str, balancer: str | None = None) -> Peer:
    """It without retries, and with another balancer of its catalogue; None: its default."""
    flags = ("--retry-attempts", "0", *(("--load-balancer-class", balancer) if balancer else ()))
    return Peer(name, program, ("--version",), partial(launch, flags=flags), admit, join)
