"""Which case comes next? Well-formed messages, some of them broken, and the circumstances."""

from random import Random

from tests.fuzz.case import Answer, Case, End
from tests.fuzz.messages import Tokens, request, response, upgrade_request
from tests.fuzz.mutations import mutate

CANARY = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Canary: canary\r\n\r\ncanary"


def random_cuts(rng: Random, size: int) -> tuple[int, ...]:
    """Where to cut *size* bytes: nowhere, in a few places or in many."""
    if size < 2:
        return ()
    return tuple(sorted(rng.sample(range(1, size), min(size - 1, rng.choice((0, 1, 2, 5, 20, 100))))))


def _answer(rng: Random, tokens: Tokens) -> Answer:
    data = b"".join(tokens)
    until_close = b"ontent-" not in data and b"ransfer-" not in data
    if rng.random() < 0.06:
        return Answer(data[: rng.randrange(len(data) + 1)], end=rng.choice((End.CLOSE, End.RESET)).value)
    ends = (End.CLOSE, End.CLOSE, End.RESET, End.KEEP) if until_close else (*[End.KEEP] * 8, End.CLOSE, End.RESET)
    end = rng.choice(ends)
    return Answer(
        data,
        random_cuts(rng, len(data)) if rng.random() < 0.3 else (),
        early=b" 101" not in data and rng.random() < 0.07,
        end=end.value,
        late=CANARY if end is End.KEEP and rng.random() < 0.05 else b"",
    )


def next_case(rng: Random, number: int) -> Case:
    """Case *number* of a run."""
    requests = [request(rng, b"t%d-%d" % (number, index)) for index in range(rng.choice((1, 1, 2, 3)))]
    if rng.random() < 0.05:
        requests.append(upgrade_request(rng, b"t%d-u" % number))
    responses = [response(rng, asked, b"t%d-%d" % (number, index)) for index, asked in enumerate(requests)]
    what = rng.random()
    if what < 0.5:
        mutate(rng.choice(requests), rng)
    if 0.4 < what < 0.85:
        mutate(rng.choice(responses), rng)
    client: Tokens = [token for tokens in requests for token in tokens]
    if rng.random() < 0.05:
        mutate(client, rng)
    data = b"".join(client)
    if b"websocket" in client and rng.random() < 0.8:
        data += b"tunnelled" * rng.choice((1, 30, 30, 3000))
    limits: dict[str, int] = {}
    if rng.random() < 0.1:
        name, low, high = rng.choice((("body_bytes", 0, 60), ("pipelined_bytes", 1, 300), ("header_fields", 0, 8)))
        limits[name] = rng.randint(low, high)
    if rng.random() < 0.05:
        # At the very edge: a limit must not depend on how bytes were cut.
        limits["header_bytes"] = max(data.find(b"\r\n\r\n") + rng.randint(-3, 3), 1)
        limits["request_line_bytes"] = max(data.find(b"\r\n") + rng.randint(-2, 2), 1)
    dial = rng.choice((*["accept"] * 20, "refuse", "hang", "flaky"))
    return Case(
        data,
        tuple(_answer(rng, tokens) for tokens in responses),
        random_cuts(rng, len(data)) if rng.random() < 0.5 else (),
        schedule=rng.choice((0, rng.getrandbits(16))),
        dial=dial,
        end=rng.choice((End.KEEP, End.KEEP, End.CLOSE, End.RESET)).value,
        limits=limits,
        witness=rng.random() < 0.3,
        hooks=rng.random() < 0.15,
        room=1 if dial == "accept" and rng.random() < 0.1 else None,
        slow=rng.choice((*[""] * 12, "client", "backend", "client and backend")),
    )
