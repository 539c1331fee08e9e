"""Ours: as it ships, started by twistd, every backend registered by ``POST /register``."""

import json
import os
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import openprequal
from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch


def program() -> str:
    """The twistd of this Python, else the one in PATH."""
    own = Path(sys.executable).with_name("twistd")
    return str(own) if own.exists() else find("twistd", "pip install openprequal")


def launch(port: int, backends: Sequence[int], folder: Path) -> Launch:
    """What to run. Defaults: metrics, the default balancer and its probing, time-outs are on."""
    source = str(Path(openprequal.__file__).resolve().parents[1])
    path = os.pathsep.join(each for each in (source, os.environ.get("PYTHONPATH")) if each)
    return Launch([program(), "-n", "--pidfile=", "openprequal", "--port", str(port)], {"PYTHONPATH": path})


def join(port: int, backends: Sequence[int]) -> None:
    """Register the backends by hand."""
    for each in backends:
        body = json.dumps({"url": f"http://127.0.0.1:{each}"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/register", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=10):
            pass


PEER = Peer("openprequal", program, ("--version",), launch, join)
