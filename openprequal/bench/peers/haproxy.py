"""HAProxy: one thread, connections to backends shared by all clients, least connections."""

from collections.abc import Sequence
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch

CONFIGURATION = """
global
    nbthread 1
    maxconn 4000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    http-reuse always
    balance leastconn
    option forwardfor
frontend main
    bind 127.0.0.1:{port} backlog 4096
    default_backend all
backend all
{servers}
"""


def program() -> str:
    """Where it is."""
    return find("haproxy", "apt-get install haproxy")


def launch(port: int, backends: Sequence[int], folder: Path) -> Launch:
    """Write the configuration; what to run."""
    servers = "\n".join(f"    server s{each} 127.0.0.1:{each}" for each in backends)
    file = folder / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(port=port, servers=servers))
    return Launch([program(), "-db", "-f", str(file)])


PEER = Peer("haproxy", program, ("-v",), launch)
