"""Where a process listens when nothing else is said, and how its own children reach it."""

import re
import socket
from collections.abc import Sequence

BACKLOG = 4096
"""Connections that may wait to be accepted. With Twisted's 50, of a thousand clients that come at once most have their
first bytes dropped by the kernel and sent again later: requests of half a second before a gateway that idles."""

SOCKETS = ("tcp", "tcp6", "unix", "systemd")
"""Kinds of endpoints that are sockets and nothing else."""

TLS_PREFIX = "tls:"
"""Before an endpoint string: clients there speak TLS."""

_TCP_PORT = re.compile(r"tcp6?:(?:port=)?(\d+)(?::|$)")
_INTERFACE = re.compile(r":interface=((?:\\.|[^:\\])*)")


def listening_endpoints(listen: Sequence[str], port: int) -> tuple[str, ...]:
    """The endpoint strings to listen on: *listen*, or *port* on all interfaces, IPv6 too where the host has it.

    On a dual-stack socket an IPv4 peer has an address like ``::ffff:127.0.0.1``.
    """
    return tuple(listen) or all_interfaces(port)


def all_interfaces(port: int) -> tuple[str, ...]:
    """The endpoint strings for *port* on all interfaces."""
    return _all_interfaces(port, dual_stack())


def under_tls(endpoint: str) -> str | None:
    """The endpoint string that *endpoint* wraps in TLS; None: it does not."""
    return endpoint[len(TLS_PREFIX) :] if endpoint.startswith(TLS_PREFIX) else None


def _all_interfaces(port: int, dual: bool) -> tuple[str, ...]:
    address = f"tcp6:{port}:interface=\\:\\:" if dual else f"tcp:{port}"
    return (f"{address}:backlog={BACKLOG}",)


def endpoint_of(interface: str, port: int) -> str:
    """The endpoint string of *port* on the address *interface*."""
    return f"tcp:{port}:interface={interface.replace(':', chr(92) + ':')}"


def dual_stack() -> bool:
    """True if one IPv6 socket of this host takes IPv4 connections too; compiled-in support alone says nothing."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
            return probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0
    except OSError:
        return False


def is_socket(endpoint: str) -> bool:
    """True if *endpoint* is a socket and nothing else, where others (``ssl:``, ``haproxy:``) wrap one."""
    return endpoint.partition(":")[0] in SOCKETS


def url_of(host: str, port: int) -> str:
    """The URL by which a process of this host reaches a listener on *host*, which may be a wildcard."""
    if host in ("", "0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def url_of_endpoints(listen: Sequence[str]) -> str | None:
    """The same for the first TCP endpoint in *listen*; None if there is none whose port is known."""
    for endpoint in listen:
        port = _TCP_PORT.match(endpoint)
        if port and port[1] != "0":
            interface = _INTERFACE.search(endpoint)
            return url_of(interface[1].replace("\\", "") if interface else "", int(port[1]))
    return None
