"""HAProxy: one thread, connections to backends shared by all clients, no retries."""

import random
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find, nothing_more
from openprequal.bench.processes import Launch, Running

CONFIGURATION = """
global
    nbthread 1
    maxconn 4000
    stats socket {folder}/admin.sock mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    http-reuse always
    retries 0
    option abortonclose
    balance {balance}
    option forwardfor
frontend main
    bind 127.0.0.1:{port} backlog 4096
    default_backend all
backend all
{servers}
"""

WEIGHT = 100
"""Of every server, all alike: ``random`` draws on a hash ring, whose parts are more equal with greater weights."""

_DRAWS = 2000
_ANSWER = b"HTTP/1.1 "


def program() -> str:
    """Where it is."""
    return find("haproxy", "apt-get install haproxy")


def launch(port: int, backends: Sequence[int], folder: Path, balance: str = "leastconn") -> Launch:
    """Write the configuration; what to run."""
    servers = "\n".join(f"    server s{each} 127.0.0.1:{each} weight {WEIGHT}" for each in backends)
    file = folder / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(port=port, servers=servers, balance=balance, folder=folder))
    return Launch([program(), "-db", "-f", str(file)])


def admit(running: Running, port: int, backends: Sequence[int], folder: Path) -> None:
    """Add the new one through the runtime API."""
    name = f"all/s{backends[-1]}"
    for command in (f"add server {name} 127.0.0.1:{backends[-1]} weight {WEIGHT}", f"enable server {name}"):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(folder / "admin.sock"))
            asking.sendall(command.encode() + b"\n")
            while asking.recv(4096):
                pass


PEER = Peer("haproxy", program, ("-v",), launch, admit)


def disperse(port: int, backends: Sequence[int]) -> None:
    """Have it draw some of its random numbers.

    They are the same in every process (2.6.12): several that are started together would choose the same servers at
    nearly the same time, which nobody who starts them one by one would see.
    """
    left = random.randrange(_DRAWS)
    with socket.create_connection(("127.0.0.1", port), 10) as asking:
        while left > 0:
            count = min(left, 50)
            left -= count
            asking.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode() * count)
            answers = b""
            while answers.count(_ANSWER) < count:
                received = asking.recv(65536)
                if not received:
                    return
                answers += received


def balancing(name: str, balance: str) -> Peer:
    """It with another ``balance``."""
    join = disperse if balance.startswith("random") else nothing_more
    return Peer(name, program, ("-v",), partial(launch, balance=balance), admit, join)
