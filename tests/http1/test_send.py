"""What is sent at once, what at the end of the turn, and what is left to Twisted."""

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import tcp

from openprequal.http1 import send as module
from openprequal.http1.send import SMALL, Outbox, sender


class Socket:
    """Takes *room* bytes in all; None: whatever comes."""

    def __init__(self) -> None:
        self.taken = b""
        self.room: int | None = None

    def send(self, data: bytes) -> int:
        if self.room == 0:
            raise BlockingIOError
        size = len(data) if self.room is None else min(self.room, len(data))
        if self.room is not None:
            self.room -= size
        self.taken += data[:size]
        return size


class Transport(tcp.Server):
    """A plain TCP transport without a connection under it; what Twisted's buffer gets is in ``written``."""

    def __init__(self) -> None:
        self.socket: Any = Socket()
        self.connected = 1
        self.disconnecting = False
        self.dataBuffer = b""
        self._tempDataBuffer = []
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data
        self._tempDataBuffer.append(data)


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outbox]:
    outbox = Outbox()
    monkeypatch.setattr(module, "outbox", outbox)
    yield outbox
    assert outbox.waiting == []


def test_outside_a_turn_everything_goes_at_once(transport: Transport, outbox: Outbox) -> None:
    sender(transport)(b"abc")
    assert transport.socket.taken == b"abc"


def test_inside_a_turn_small_messages_wait_for_its_end_in_order(transport: Transport, outbox: Outbox) -> None:
    send = sender(transport)
    outbox.gathering = True
    send(b"one ")
    send(b"two")
    assert transport.socket.taken == b""
    outbox.flush()
    assert transport.socket.taken == b"one two"
    send(b" three")
    assert transport.socket.taken == b"one two three"


def test_large_messages_do_not_wait(transport: Transport, outbox: Outbox) -> None:
    outbox.gathering = True
    sender(transport)(bytes(SMALL + 1))
    assert len(transport.socket.taken) == SMALL + 1
    outbox.flush()


def test_a_large_message_does_not_overtake_a_small_one(transport: Transport, outbox: Outbox) -> None:
    send = sender(transport)
    outbox.gathering = True
    send(b"first")
    send(bytes(SMALL + 1))
    assert transport.socket.taken == b""
    outbox.flush()
    assert transport.socket.taken == b"first" + bytes(SMALL + 1)


def test_what_the_kernel_does_not_take_is_left_to_twisted(transport: Transport, outbox: Outbox) -> None:
    transport.socket.room = 2
    sender(transport)(b"abcd")
    assert (transport.socket.taken, transport.written) == (b"ab", b"cd")


def test_a_socket_that_would_block_leaves_all_to_twisted(transport: Transport, outbox: Outbox) -> None:
    transport.socket.room = 0
    sender(transport)(b"abcd")
    assert transport.written == b"abcd"


def test_behind_what_twisted_still_has_nothing_is_sent_past_it(transport: Transport, outbox: Outbox) -> None:
    send = sender(transport)
    transport.socket.room = 2
    send(b"abcd")
    transport.socket.room = None
    send(b"ef")
    assert (transport.socket.taken, transport.written) == (b"ab", b"cdef")


@pytest.mark.parametrize(("attribute", "value"), [("disconnecting", True), ("connected", 0)])
def test_a_connection_that_is_closing_is_left_to_twisted(
    transport: Transport, outbox: Outbox, attribute: str, value: object
) -> None:
    send = sender(transport)
    outbox.gathering = True
    send(b"last")
    setattr(transport, attribute, value)
    outbox.flush()
    assert (transport.socket.taken, transport.written) == (b"", b"last")
