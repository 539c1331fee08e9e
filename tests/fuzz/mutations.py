"""How does a well-formed message become one that is nearly so?"""

from collections.abc import Callable
from random import Random

from tests.fuzz.messages import Tokens

CONTROLS = (b"\r", b"\n", b"\r\n", b"\0", b"\t", b" ", b"\x7f", b"\x0b", b"\r\n\r\n", b"\n\n", b"\xa0", b":", b";")
LENGTHS = (b"0", b"1", b"5", b"+5", b"-1", b"5 5", b"5,5", b"0x5", b"05", b"999999999999999999999", b"", b"5\x0b")
SIZES = (b"0", b"00", b"1", b"fffffffff", b"ffffffffffffffff", b"10000000000000000", b"-1", b"0x1", b" 1", b"1 ", b"g")
VERSIONS = (b"HTTP/1.0", b"HTTP/1.1", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.01", b"HTTP/11", b"HTTP/0.9", b"")
LINES = (
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding:\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding: \x0bchunked\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length : 5\r\n",
    b"Host: b.test\r\n",
    b"Host:\r\n",
    b"Host: a b\r\n",
    b" folded\r\n",
    b"\tfolded\r\n",
    b": nameless\r\n",
    b"nocolon\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Connection: Content-Length, Host, Transfer-Encoding\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"Max-Forwards: 0\r\n",
    b"Trailer: Content-Length\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"GET /smuggled HTTP/1.1\r\n",
    b"\r\n",
    b"0\r\n\r\n",
)


def _any(tokens: Tokens, rng: Random) -> int:
    return rng.randrange(len(tokens))


def _duplicate(tokens: Tokens, rng: Random) -> None:
    at = _any(tokens, rng)
    tokens.insert(at, tokens[at])


def _delete(tokens: Tokens, rng: Random) -> None:
    del tokens[_any(tokens, rng)]


def _swap(tokens: Tokens, rng: Random) -> None:
    one, other = _any(tokens, rng), _any(tokens, rng)
    tokens[one], tokens[other] = tokens[other], tokens[one]


def _line_bounds(tokens: Tokens, rng: Random) -> tuple[int, int]:
    """A whole line: from after one CRLF to after the next."""
    ends = [at + 1 for at, token in enumerate(tokens) if token == b"\r\n"] or [len(tokens)]
    number = rng.randrange(len(ends))
    return (ends[number - 1] if number else 0), ends[number]


def _duplicate_line(tokens: Tokens, rng: Random) -> None:
    start, end = _line_bounds(tokens, rng)
    tokens[start:start] = tokens[start:end]


def _delete_line(tokens: Tokens, rng: Random) -> None:
    start, end = _line_bounds(tokens, rng)
    del tokens[start:end]


def _move_line(tokens: Tokens, rng: Random) -> None:
    start, end = _line_bounds(tokens, rng)
    line = tokens[start:end]
    del tokens[start:end]
    if tokens:
        at, _ = _line_bounds(tokens, rng)
        tokens[at:at] = line


def _new_line(tokens: Tokens, rng: Random) -> None:
    _, end = _line_bounds(tokens, rng)
    tokens.insert(end, rng.choice(LINES))


def _control(tokens: Tokens, rng: Random) -> None:
    at = _any(tokens, rng)
    inside = rng.randrange(len(tokens[at]) + 1)
    tokens[at] = tokens[at][:inside] + rng.choice(CONTROLS) + tokens[at][inside:]


def _flip(tokens: Tokens, rng: Random) -> None:
    at = _any(tokens, rng)
    if tokens[at]:
        inside = rng.randrange(len(tokens[at]))
        flipped = bytes([tokens[at][inside] ^ (1 << rng.randrange(8))])
        tokens[at] = tokens[at][:inside] + flipped + tokens[at][inside + 1 :]


def _line_end(tokens: Tokens, rng: Random) -> None:
    ends = [at for at, token in enumerate(tokens) if token == b"\r\n"]
    if ends:
        tokens[rng.choice(ends)] = rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b" \r\n", b""))


def _number(tokens: Tokens, rng: Random) -> None:
    """A length, a chunk size or a status: the short tokens that are numbers."""
    numbers = [
        at for at, token in enumerate(tokens) if 0 < len(token) < 8 and not token.strip(b"0123456789abcdefABCDEF")
    ]
    if numbers:
        at = rng.choice(numbers)
        nearly = [b"%d" % (int(tokens[at], 16) + step) for step in (-1, 1, 2) if int(tokens[at], 16) + step >= 0]
        tokens[at] = rng.choice([*LENGTHS, *SIZES, *nearly, *nearly, *nearly])


def _version(tokens: Tokens, rng: Random) -> None:
    versions = [at for at, token in enumerate(tokens) if token.startswith(b"HTTP/")]
    if versions:
        tokens[rng.choice(versions)] = rng.choice(VERSIONS)


def _truncate(tokens: Tokens, rng: Random) -> None:
    at = _any(tokens, rng)
    tokens[at] = tokens[at][: rng.randrange(len(tokens[at]) + 1)]
    del tokens[at + 1 :]


def _garbage(tokens: Tokens, rng: Random) -> None:
    tokens.append(rng.choice((b"\r\n", b"\r\n\r\n", b"X", b"\0", b"canary-canary", rng.randbytes(20))))


def _splice(tokens: Tokens, rng: Random) -> None:
    """A piece of the message once more, somewhere else in it."""
    start = _any(tokens, rng)
    piece = tokens[start : start + rng.randrange(1, 12)]
    at = _any(tokens, rng)
    tokens[at:at] = piece


MUTATIONS: tuple[Callable[[Tokens, Random], None], ...] = (
    _duplicate,
    _delete,
    _swap,
    _duplicate_line,
    _delete_line,
    _move_line,
    _new_line,
    _new_line,
    _control,
    _control,
    _flip,
    _line_end,
    _number,
    _number,
    _version,
    _truncate,
    _garbage,
    _splice,
)


def mutate(tokens: Tokens, rng: Random) -> None:
    """Break *tokens* in place, in one or a few ways."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if tokens:
            rng.choice(MUTATIONS)(tokens, rng)
