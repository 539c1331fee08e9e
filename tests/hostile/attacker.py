"""One hostile connection: an address of its own, any bytes, and every way to end."""

import asyncio
import contextlib
import socket
import struct
from random import Random
from types import TracebackType
from typing import Final, Self

IP_BIND_ADDRESS_NO_PORT: Final = 24
ADDRESSES: Final = 250 * 250


class Attacker:
    """From a loopback address that depends on its number, so that no two tens of thousands share ports."""

    def __init__(self, port: int, number: int, rng: Random, hold_s: float) -> None:
        """:param hold_s: how long those that are slow hold on to what they have."""
        self.rng = rng
        self.number = number
        self.hold_s = hold_s
        self._port = port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._loop = asyncio.get_running_loop()

    @property
    def address(self) -> str:
        """Where it comes from."""
        return f"127.{1 + self.number // 62_500 % 250}.{1 + self.number // 250 % 250}.{1 + self.number % 250}"

    def receive_little(self) -> None:
        """Offer the smallest window there is; before the connection is made."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async def __aenter__(self) -> Self:
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        self._socket.bind((self.address, 0))
        try:
            await self._loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        except BaseException:
            self._socket.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def say(self, data: bytes) -> None:
        """Send *data*."""
        await self._loop.sock_sendall(self._socket, data)

    async def hear(self) -> bytes:
        """What comes next; nothing: it was closed."""
        return await self._loop.sock_recv(self._socket, 65_536)

    async def hear_all(self) -> int:
        """Read until it is closed; how many bytes came."""
        count = 0
        while data := await self.hear():
            count += len(data)
        return count

    async def wait(self, seconds: float) -> None:
        """Do nothing for a while."""
        await asyncio.sleep(seconds)

    def finish(self) -> None:
        """Close the sending half."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection without an end."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
