"""Honest clients at a steady rate: ``python -m tests.hostile.honest PORT FILE``; a line for each request until ended.

Each line holds when it was sent (monotonic seconds), the seconds until its answer, and the status; 0: it broke. Most go
over connections that are kept, some over a new one each, as honest clients do.
"""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TextIO

PER_SECOND = 200.0
KEPT = 16
NEW_EVERY = 10
GIVEN_UP_S = 20.0
GET = b"GET /honest HTTP/1.1\r\nHost: a.test\r\n\r\n"


class Client:
    """One connection, made when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """The status; 0: the connection broke, or there is no answer for long."""
        try:
            async with asyncio.timeout(GIVEN_UP_S):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams
                writer.write(GET)
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                if b"\r\nConnection: close\r\n" in head:
                    self.close()
                return int(head[9:12])
        except (OSError, EOFError, ValueError):
            self.close()
            return 0

    def close(self) -> None:
        """Ask over another next time."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()


async def ask_on(port: int, out: TextIO) -> None:
    """Ask at that rate until cancelled."""
    loop = asyncio.get_running_loop()
    kept = [Client(port) for _ in range(KEPT)]
    waiting: set[asyncio.Task[None]] = set()
    began = loop.time()
    number = 0

    async def one(client: Client, again: bool) -> None:
        at = loop.time()
        status = await client.ask()
        out.write(f"{at:.6f} {loop.time() - at:.6f} {status}\n")
        if again:
            kept.append(client)
        else:
            client.close()

    while True:
        number += 1
        again = bool(number % NEW_EVERY and kept)
        task = loop.create_task(one(kept.pop(0) if again else Client(port), again))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - loop.time()))


if __name__ == "__main__":
    with Path(sys.argv[2]).open("w", buffering=1) as file, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(ask_on(int(sys.argv[1]), file))
