"""Which proxies are compared, under which of their policies, and what stands for each in the simulation?"""

from collections.abc import Mapping

from attrs import frozen

from openprequal.bench.peers import OWN, caddy, envoy, haproxy, nginx, openprequal
from openprequal.bench.peers.peer import Peer


@frozen
class Policy:
    """A proxy under one of its policies."""

    peer: Peer
    stand_in: str
    """The balancer of ours that chooses by the same rule."""

    @property
    def name(self) -> str:
        return self.peer.name


_ALL = (
    Policy(openprequal.balancing(OWN.name), "prequal"),
    Policy(openprequal.balancing("openprequal-round-robin", "RoundRobin"), "round_robin"),
    Policy(haproxy.balancing("haproxy-leastconn", "leastconn"), "least_in_flight"),
    Policy(haproxy.balancing("haproxy-random-2", "random(2)"), "least_in_flight_p2c"),
    Policy(nginx.balancing("nginx-least-conn", "least_conn"), "least_in_flight"),
    Policy(nginx.balancing("nginx-random-two", "random two least_conn"), "least_in_flight_p2c"),
    Policy(envoy.balancing("envoy-least-request", envoy.LEAST_REQUEST), "least_in_flight_p2c"),
    Policy(envoy.balancing("envoy-full-scan", envoy.FULL_SCAN), "least_in_flight"),
    Policy(envoy.balancing("envoy-weighted", envoy.WEIGHTED_BY_REPORTS), "weighted_round_robin"),
    Policy(caddy.balancing("caddy-least-conn", "least_conn"), "least_in_flight"),
)

POLICIES: Mapping[str, Policy] = {policy.name: policy for policy in _ALL}
OURS = OWN.name
