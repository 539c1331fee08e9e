"""Which proxies can be measured beside ours, and how is each started? One module a proxy, its configuration in view."""

from openprequal.bench.peers import caddy, envoy, haproxy, nginx, openprequal
from openprequal.bench.peers.peer import Peer

OWN: Peer = openprequal.PEER
PEERS: dict[str, Peer] = {peer.name: peer for peer in (haproxy.PEER, nginx.PEER, envoy.PEER, caddy.PEER)}

__all__ = ["OWN", "PEERS", "Peer"]
