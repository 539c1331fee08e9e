"""Caddy: one thread of Go code, kept-alive upstream connections, least connections."""

from collections.abc import Sequence
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch

CONFIGURATION = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port}, http://localhost:{port} {{
    bind 127.0.0.1
    reverse_proxy {servers} {{
        lb_policy least_conn
        transport http {{
            keepalive 60s
            keepalive_idle_conns 4096
            keepalive_idle_conns_per_host 256
        }}
    }}
}}
"""


def program() -> str:
    """Where it is."""
    return find("caddy", "apt-get install caddy")


def launch(port: int, backends: Sequence[int], folder: Path) -> Launch:
    """Write the configuration; what to run."""
    servers = " ".join(f"127.0.0.1:{each}" for each in backends)
    file = folder / "Caddyfile"
    file.write_text(CONFIGURATION.format(port=port, servers=servers))
    environment = {"GOMAXPROCS": "1", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    return Launch([program(), "run", "--config", str(file), "--adapter", "caddyfile"], environment)


PEER = Peer("caddy", program, ("version",), launch)
