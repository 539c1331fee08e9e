"""What stands behind the proxies: one nginx with many ports, cheap enough not to be what is measured."""

import urllib.request
from pathlib import Path

from openprequal.bench.peers.nginx import program
from openprequal.bench.processes import Launch, Running, answers, free_ports

BODY = "0123456789" * 10
LARGE_BYTES = 1 << 20

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/backends.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/backends-body;
    proxy_temp_path {folder}/backends-proxy;
    fastcgi_temp_path {folder}/backends-fastcgi;
    uwsgi_temp_path {folder}/backends-uwsgi;
    scgi_temp_path {folder}/backends-scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    sendfile on;
    tcp_nopush on;
    default_type text/plain;
    # The report a gateway can use; the others pass it on or ignore it.
    add_header OpenPrequal-Load "rif=1, latency=0.001, state=ready";
    server {{
{listens}
        location / {{ return 200 "{body}"; }}
        location = /large {{ alias {folder}/large; }}
        location = /connections {{ stub_status; }}
        location = /healthz {{ access_log {folder}/probes.log; return 200 "ok"; }}
    }}
}}
"""


class Backends:
    """The backends of one benchmark; start them with :meth:`start`."""

    def __init__(self, count: int, folder: Path) -> None:
        self.ports = free_ports(count)
        self._folder = folder
        self._probes = folder / "probes.log"

    def start(self) -> Running:
        """Run them, on core 1 beside the load generator.

        :raises StartFailed: there is no nginx, or it does not start.
        """
        (self._folder / "large").write_bytes(b"x" * LARGE_BYTES)
        file = self._folder / "backends.conf"
        listens = "\n".join(f"        listen 127.0.0.1:{port} backlog=4096;" for port in self.ports)
        file.write_text(CONFIGURATION.format(folder=self._folder, listens=listens, body=BODY))
        running = Running(Launch([program(), "-e", "stderr", "-c", str(file)]), 1, self._folder, "backends")
        try:
            running.wait_until(lambda: answers(self.ports[0]))
        except BaseException as error:
            running.__exit__(type(error), error, error.__traceback__)
            raise
        return running

    def connections(self) -> int:
        """How many connections have been accepted so far, this question's own included."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/connections", timeout=10) as answer:
            return int(answer.read().split()[7])

    def probes(self) -> int:
        """How many probes and health checks have come so far."""
        return self._probes.read_bytes().count(b"\n") if self._probes.exists() else 0
