"""Caddy: one thread of Go code, kept-alive upstream connections, no retries."""

import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch, Running

CONFIGURATION = """
{{
    admin unix/{folder}/admin.sock
    auto_https off
}}
http://127.0.0.1:{port}, http://localhost:{port} {{
    bind 127.0.0.1
    reverse_proxy {servers} {{
        lb_policy {policy}
        lb_retries 0
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


def launch(port: int, backends: Sequence[int], folder: Path, policy: str = "least_conn") -> Launch:
    """Write the configuration; what to run."""
    servers = " ".join(f"127.0.0.1:{each}" for each in backends)
    file = folder / "Caddyfile"
    file.write_text(CONFIGURATION.format(port=port, servers=servers, policy=policy, folder=folder))
    environment = {"GOMAXPROCS": "1", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    return Launch([program(), "run", "--config", str(file), "--adapter", "caddyfile"], environment)


def _admit(running: Running, port: int, backends: Sequence[int], folder: Path, policy: str = "least_conn") -> None:
    """Have it read its configuration again."""
    launch(port, backends, folder, policy)
    address = f"unix/{folder}/admin.sock"
    command = [program(), "reload", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    subprocess.run([*command, "--address", address], capture_output=True, timeout=20, check=False)


PEER = Peer("caddy", program, ("version",), launch, _admit)


def balancing(name: str, policy: str) -> Peer:
    """It with another ``lb_policy``."""
    return Peer(name, program, ("version",), partial(launch, policy=policy), partial(_admit, policy=policy))
