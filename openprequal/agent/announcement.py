"""Announcement: at which URL can a gateway on another host reach us?"""

import socket
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool


def url_towards(reactor: Any, proxy_url: str, port: int) -> "Deferred[str]":
    """``http://address:port`` with the local address from which *proxy_url* is reached.

    :raises OSError: (errback) the proxy's name does not resolve, or there is no route to it now.
    """
    parts = urlsplit(proxy_url)
    proxy_port = parts.port or (443 if parts.scheme == "https" else 80)
    # Resolving blocks, hence the thread.
    found = deferToThreadPool(reactor, reactor.getThreadPool(), local_address, parts.hostname or "", proxy_port)
    return found.addCallback(
        lambda address: f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    )


def local_address(host: str, port: int) -> str:
    """The address of ours that packets to *host* would carry. Connecting a UDP socket sends none. Blocking.

    :raises OSError: *host* does not resolve, or there is no route to it.
    """
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        try:
            with socket.socket(family, kind, protocol) as towards:
                towards.connect(address)
                return str(towards.getsockname()[0])
        except OSError as error:  # no route by this family: the next address may be of the other
            failure = error
    raise failure
