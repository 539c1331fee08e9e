"""Send past Twisted's write buffer: at once, or together with what else this turn of the reactor sends.

``transport.write`` only buffers and arms the writer: two more ``epoll_ctl`` calls and a turn of the loop for each
write. For plain TCP and Unix transports with nothing buffered we call ``socket.send`` and leave to Twisted what the
kernel did not take, so that producers, half-closes and errors work as ever. The only module that touches Twisted's
private buffer.

Small messages wait for the end of the reactor's turn, if the reactor is ours (``openprequal/reactor.py``): a message
that finds its receiver asleep costs the sender the waking, and of a dozen sent back to back only the first does. With
one event in a turn, which is how it is at low load, nothing waits.
"""

import sys
from collections.abc import Callable
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.internet.interfaces import ITransport

_PLAIN = (tcp.Server, tcp.Client, unix.Server, unix.Client)
SMALL: Final = 8192
"""Larger messages do not wait: they would be held in memory for little gain."""

Transmit = Callable[[bytes], None]


class Outbox:
    """What is to be sent at the end of this turn of the reactor, in order."""

    def __init__(self) -> None:
        self.gathering = False
        """Inside a turn; outside, everything is sent at once."""
        self.waiting: list[tuple[Transmit, bytes]] = []

    def flush(self) -> None:
        """The turn is over: send it all."""
        self.gathering = False
        waiting = self.waiting
        if waiting:
            self.waiting = []
            for transmit, data in waiting:
                transmit(data)


outbox = Outbox()
"""Of this process, as its reactor is."""


def unsent(transport: Any) -> int | None:
    """Bytes written that the peer has not taken yet: those that Twisted holds, and those that the kernel does.

    None: *transport* is of a kind that does not tell.
    """
    # TLS is a transport on top of one.
    while transport is not None and not hasattr(transport, "dataBuffer"):
        transport = getattr(transport, "transport", None)
    if transport is None:
        return None
    held: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    try:
        # Acknowledged bytes are what shows that a slow reader reads: the kernel takes more only in large lumps.
        return held + int.from_bytes(ioctl(transport.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):  # not a socket, or one that is closed
        return held


def sender(transport: ITransport) -> Transmit:
    """The cheapest way to send bytes through *transport*, in order with its ``write``."""
    if not isinstance(transport, _PLAIN) or getattr(transport, "TLS", False):
        return transport.write
    plain: Any = transport
    send_now = plain.socket.send
    write = plain.write
    waiting = 0

    def transmit(data: bytes) -> None:
        nonlocal waiting
        waiting = 0
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

    def send(data: bytes) -> None:
        nonlocal waiting
        if outbox.gathering and (waiting or len(data) <= SMALL):
            waiting = 1
            outbox.waiting.append((transmit, data))
        else:
            transmit(data)

    return send
