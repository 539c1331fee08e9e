"""What can a client do to a gateway? One coroutine for each kind; each ends by itself or when it is cut off."""

from collections.abc import Awaitable, Callable
from typing import Final

from .attacker import Attacker

Kind = Callable[[Attacker], Awaitable[object]]

GET: Final = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
CHUNKED: Final = b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
CLIENT_HELLO: Final = bytes.fromhex("16030100a5010000a10303") + bytes(range(160))
SMUGGLED: Final = (
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + GET,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + GET,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello" + GET,
    b"GET / HTTP/1.1\nHost: a\n\n" + GET,
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n",
    b"GET http://a@b/ HTTP/1.1\r\nHost: c\r\n\r\n",
    CHUNKED + b"0;ext=\x00\r\n\r\n" + GET,
    CHUNKED + b"ffffffffffffffff\r\nx\r\n0\r\n\r\n",
    CHUNKED + b"1\nx\n0\n\n" + GET,
)


async def connects_and_resets(attacker: Attacker) -> None:
    attacker.reset()


async def asks_and_resets(attacker: Attacker) -> None:
    """HTTP/1's rapid reset: the backend has the request, nobody wants the answer."""
    await attacker.say(GET)
    attacker.reset()


async def asks_and_finishes(attacker: Attacker) -> None:
    await attacker.say(GET)
    attacker.finish()
    await attacker.hear_all()


async def talks_garbage(attacker: Attacker) -> None:
    await attacker.say(attacker.rng.randbytes(attacker.rng.randrange(1, 2000)))
    await attacker.hear_all()


async def talks_tls(attacker: Attacker) -> None:
    await attacker.say(CLIENT_HELLO)
    await attacker.hear_all()


async def smuggles(attacker: Attacker) -> None:
    await attacker.say(attacker.rng.choice(SMUGGLED))
    attacker.finish()
    await attacker.hear_all()


async def sends_a_huge_head(attacker: Attacker) -> None:
    if attacker.rng.random() < 0.5:
        await attacker.say(b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n")
    else:
        await attacker.say(GET[:-2] + b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(10_000)))
    await attacker.hear_all()


async def sends_chunks_without_end(attacker: Attacker) -> None:
    """Small ones, with extensions."""
    await attacker.say(CHUNKED)
    for _ in range(20):
        await attacker.say(b"1;a=b;c\r\nx\r\n" * 100)


async def sends_trailers_without_end(attacker: Attacker) -> None:
    await attacker.say(CHUNKED + b"1\r\nx\r\n0\r\n")
    for number in range(100):
        await attacker.say(b"X-%d: y\r\n" % number * 100)
    await attacker.hear_all()


async def sends_a_chunk_line_without_end(attacker: Attacker) -> None:
    await attacker.say(CHUNKED + b"1;" + b"a" * 100_000)
    await attacker.hear_all()


async def pipelines(attacker: Attacker) -> None:
    """A thousand requests at once, of which nobody reads the answers for a while."""
    await attacker.say(GET * 999 + GET[:-2] + b"Connection: close\r\n\r\n")
    await attacker.hear_all()


async def is_always_somebody_else(attacker: Attacker) -> None:
    """Another client, method, path and host with each request."""
    rng = attacker.rng
    for _ in range(4):
        somebody = [b"%d" % rng.getrandbits(40) for _ in range(6)]
        address = b"10.%d.%d.%d" % tuple(rng.randbytes(3))
        await attacker.say(
            b"M%b /%b?%b HTTP/1.1\r\nHost: h%b.test\r\n" % tuple(somebody[:4])
            + b"X-Forwarded-For: %b\r\nX-%b: %b\r\n\r\n" % (address, *somebody[4:])
        )
        if not await attacker.hear():
            return


async def sends_its_head_slowly(attacker: Attacker) -> None:
    await attacker.say(GET[:-2])
    for number in range(int(attacker.hold_s)):
        await attacker.wait(1.0)
        await attacker.say(b"X-%d: y\r\n" % number)
    await attacker.hear_all()


async def sends_its_body_slowly(attacker: Attacker) -> None:
    await attacker.say(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(int(attacker.hold_s)):
        await attacker.say(b"x")
        await attacker.wait(1.0)


async def never_reads(attacker: Attacker) -> None:
    await attacker.say(GET.replace(b" / ", b" /bytes/1000000 "))
    await attacker.wait(attacker.hold_s)


async def says_nothing(attacker: Attacker) -> None:
    await attacker.wait(attacker.hold_s)


WEIGHTS: Final[dict[Kind, int]] = {
    connects_and_resets: 130,
    asks_and_resets: 120,
    asks_and_finishes: 60,
    talks_garbage: 120,
    talks_tls: 80,
    smuggles: 150,
    sends_a_huge_head: 60,
    sends_chunks_without_end: 20,
    sends_trailers_without_end: 30,
    sends_a_chunk_line_without_end: 30,
    pipelines: 5,
    is_always_somebody_else: 125,
    sends_its_head_slowly: 20,
    sends_its_body_slowly: 20,
    never_reads: 10,
    says_nothing: 20,
}
"""Of a thousand. The slow ones are few, but most of those that are there at any moment."""
SMALL_WINDOW: Final = frozenset({never_reads})
