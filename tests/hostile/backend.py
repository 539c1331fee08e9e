"""A backend that costs little, so that it is not what is measured: ``python -m tests.hostile.backend PORT``."""

import asyncio
import sys
from typing import Any

from openprequal.http1.body import BodyDecoder, body_decoder
from openprequal.http1.request import parse_request_head

HEAD = b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=1, latency=0.001, state=ready\r\nContent-Length: %d\r\n\r\n"
PIECE = b"x" * 65_536


class Backend(asyncio.Protocol):
    """Answers ``/bytes/<n>`` with n bytes, everything else with a few."""

    def __init__(self) -> None:
        self._buffer = b""
        self._body: BodyDecoder | None = None
        self._left = 0
        self._writable = True

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            if self._body is not None:
                _, rest = self._body.feed(self._buffer)
                self._buffer = rest or b""
                if rest is None:
                    return
                self._body = None
                self._answer(b"/")
                continue
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._buffer = rest
            request = parse_request_head(head, "")
            if request.length:
                self._body = body_decoder(request.length)
            else:
                self._answer(request.path)

    def _answer(self, path: bytes) -> None:
        length = int(path[7:]) if path.startswith(b"/bytes/") else 5
        self._transport.write(HEAD % length)
        self._left = length
        self._go_on()

    def _go_on(self) -> None:
        while self._left and self._writable:
            piece = PIECE[: self._left]
            self._left -= len(piece)
            self._transport.write(piece)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._go_on()


async def serve(port: int) -> None:
    """Until it is ended."""
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
