"""nginx: one worker, kept-alive upstream connections, no retries."""

import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch, Running

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    keepalive_requests 1000000000;
    upstream all {{
        {method};
{servers}
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://all;
            proxy_http_version 1.1;
            proxy_next_upstream off;
            proxy_max_temp_file_size 0;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


def program() -> str:
    """Where it is."""
    return find("nginx", "apt-get install nginx")


def launch(port: int, backends: Sequence[int], folder: Path, method: str = "least_conn") -> Launch:
    """Write the configuration; what to run."""
    servers = "\n".join(f"        server 127.0.0.1:{each};" for each in backends)
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(port=port, servers=servers, folder=folder, method=method))
    return Launch([program(), "-e", "stderr", "-c", str(file)])


def _admit(running: Running, port: int, backends: Sequence[int], folder: Path, method: str = "least_conn") -> None:
    """Have it read its configuration again."""
    launch(port, backends, folder, method)
    os.kill(running.pid, signal.SIGHUP)


PEER = Peer("nginx", program, ("-v",), launch, _admit)


def balancing(name: str, method: str) -> Peer:
    """It with another balancing method of ``upstream``."""
    return Peer(name, program, ("-v",), partial(launch, method=method), partial(_admit, method=method))
