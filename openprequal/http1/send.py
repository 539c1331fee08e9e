"""Send at once: try the socket before Twisted's write buffer.

``transport.write`` only buffers and arms the writer: two more ``epoll_ctl`` calls and a turn of the loop for each
write. For plain TCP and Unix transports with nothing buffered we try ``socket.send`` first and leave to Twisted what
the kernel did not take, so that producers, half-closes and errors work as ever. The only module that touches Twisted's
private buffer.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.interfaces import ITransport

_PLAIN = (tcp.Server, tcp.Client, unix.Server, unix.Client)


def sender(transport: ITransport) -> Callable[[bytes], None]:
    """The quickest way to send bytes through *transport*, in order with its ``write``."""
    if not isinstance(transport, _PLAIN) or getattr(transport, "TLS", False):
        return transport.write
    plain: Any = transport
    send_now = plain.socket.send
    write = plain.write

    def send(data: bytes) -> None:
        if plain._tempDataBuffer or plain.dataBuffer or plain.disconnecting or not plain.connected:
            write(data)
            return
        try:
            sent = send_now(data)
        except OSError:
            # Would block, or broken: Twisted's own write path finds out which and acts on it.
            write(data)
            return
        if sent != len(data):
            write(data[sent:])

    return send
