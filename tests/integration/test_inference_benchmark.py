"""What the benchmark of streams makes of answers."""

import asyncio

import pytest

from openprequal.bench import inference


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\ndata: a\n\ndata: [DONE]\n\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\ndata: a\n\n", False),  # cut short
        (b"HTTP/1.1 503 Busy\r\n\r\n[DONE]", False),
        (b"", False),
    ],
)
def test_only_a_whole_answer_counts(answer: bytes, counts: bool) -> None:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(answer)
        writer.close()

    async def asked() -> float | None:
        async with await asyncio.start_server(served, "127.0.0.1", 0) as server:
            return await inference._first_byte(server.sockets[0].getsockname()[1], 1)

    assert (asyncio.run(asked()) is not None) is counts
