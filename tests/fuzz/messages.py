"""Well-formed messages of every kind, as lists of tokens that mutations can get hold of."""

from random import Random

Tokens = list[bytes]

METHODS = (b"GET", b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"BREW", b"M-SEARCH")
QUERIES = (b"", b"", b"?", b"?a=b&c", b"//x", b"/..;p=1", b"/%2F%00", b"?q=\xe9", b"/" + b"l" * 90)
HOSTS = (b"a.test", b"a.test:8000", b"[::1]", b"127.0.0.1:80", b"A.TEST")
EXTENSIONS = (b"", b"", b"", b";x", b";x=y", b' ; x = "a;\\"b\\r"', b";a;b=1")
FIELDS = (
    (b"X-A", b"1"),
    (b"x-a", b"2"),
    (b"Accept", b"*/*"),
    (b"Cookie", b"a=b; c=d"),
    (b"X-Empty", b""),
    (b"X-Latin", b"caf\xe9"),
    (b"X-Inner", b"a  b\tc"),
    (b"Via", b"1.0 other"),
    (b"X-Forwarded-For", b"10.0.0.1"),
    (b"X-Request-Id", b"given"),
    (b"Connection", b"X-Gone"),
    (b"X-Gone", b"hop"),
    (b"Keep-Alive", b"timeout=5"),
    (b"TE", b"trailers"),
    (b"Expect", b"100-continue"),
    (b"Max-Forwards", b"7"),
    (b"Set-Cookie", b"a=b"),
    (b"Set-Cookie", b"c=d"),
    (b"Date", b"Mon, 01 Jan 2024 00:00:00 GMT"),
    (b"Server", b"fuzz"),
    (b"OpenPrequal-Load", b"rif=1, latency=0.01, state=ready"),
    (b"x-prequal-rif", b"3"),
    (b"Age", b"1"),
    (b"Trailer", b"X-Trailer"),
)
STATUSES = (b"200 OK", b"200", b"201 Created", b"204 No Content", b"304 Not Modified", b"404 Gone", b"503 ", b"299 x")
INTERIM = (b"100 Continue", b"103 Early Hints", b"102 Processing", b"199 x")


def _line(name: bytes, value: bytes, rng: Random) -> Tokens:
    return [name, b":", rng.choice((b" ", b" ", b" ", b"", b"\t ")), value, rng.choice((b"", b"", b"", b" ")), b"\r\n"]


def _content(rng: Random, mark: bytes) -> bytes:
    size = rng.choice((0, 1, 5, 30, 30, 200, rng.randrange(1, 70_000) if rng.random() < 0.05 else 12))
    return (mark * (size // len(mark) + 1))[:size]


def _body(rng: Random, fields: Tokens, mark: bytes, *, chunked: bool) -> Tokens:
    """Tokens of a body; adds what frames it to *fields*."""
    content = _content(rng, mark)
    if not chunked:
        fields += _line(rng.choice((b"Content-Length", b"content-length")), b"%d" % len(content), rng)
        return [content]
    fields += _line(rng.choice((b"Transfer-Encoding", b"transfer-encoding")), rng.choice((b"chunked", b"Chunked")), rng)
    tokens: Tokens = []
    at = 0
    while at < len(content):
        size = min(len(content) - at, rng.choice((1, 2, 7, 16, 100_000)) if len(content) < 1000 else 10_000)
        written = rng.choice((b"%x", b"%X", b"00%x")) % size
        tokens += [written, rng.choice(EXTENSIONS), b"\r\n", content[at : at + size], b"\r\n"]
        at += size
    tokens += [b"0", rng.choice(EXTENSIONS), b"\r\n"]
    for number in range(rng.choice((0, 0, 0, 1, 3))):
        tokens += _line(b"X-Trailer-%d" % number, rng.choice((b"t", b"", b"a b")), rng)
    return [*tokens, b"\r\n"]


def _some_fields(rng: Random) -> Tokens:
    fields: Tokens = []
    for name, value in rng.sample(FIELDS, rng.choice((0, 0, 1, 2, 5))):
        fields += _line(name, value, rng)
    return fields


def request(rng: Random, tag: bytes) -> Tokens:
    """A request whose target holds *tag*."""
    method = rng.choice(METHODS)
    old = rng.random() < 0.1
    host = rng.choice(HOSTS)
    target = b"/" + tag + rng.choice(QUERIES)
    if rng.random() < 0.05:
        target = b"http://" + rng.choice(HOSTS) + target
    elif method == b"OPTIONS" and rng.random() < 0.3:
        target = b"*"
    fields = _some_fields(rng)
    if not old or rng.random() < 0.5:
        fields = [*_line(b"Host", host, rng), *fields]
    if rng.random() < (0.6 if old else 0.05):
        fields += _line(b"Connection", b"keep-alive" if old else b"close", rng)
    body: Tokens = []
    if rng.random() < 0.05 and not old:
        fields += _line(b"Connection", b"Upgrade", rng) + _line(b"Upgrade", rng.choice((b"websocket", b"h2c")), rng)
    if method not in (b"GET", b"HEAD", b"TRACE") or rng.random() < 0.1:
        body = _body(rng, fields, b"q" + tag, chunked=not old and rng.random() < 0.5)
    return [method, b" ", target, b" ", b"HTTP/1.%d" % (not old), b"\r\n", *fields, b"\r\n", *body]


def upgrade_request(rng: Random, tag: bytes) -> Tokens:
    """A request to become a WebSocket."""
    fields = _line(b"Host", b"a.test", rng) + _some_fields(rng)
    fields += _line(b"Connection", b"Upgrade", rng) + _line(b"Upgrade", b"websocket", rng)
    return [b"GET", b" ", b"/" + tag, b" ", b"HTTP/1.1", b"\r\n", *fields, b"\r\n"]


def response(rng: Random, asked: Tokens, tag: bytes) -> Tokens:
    """An answer to *asked* whose content holds *tag*."""
    tokens: Tokens = []
    while rng.random() < 0.15:
        tokens += [b"HTTP/1.1", b" ", rng.choice(INTERIM), b"\r\n", *_some_fields(rng), b"\r\n"]
    if b"websocket" in asked and rng.random() < 0.7:
        line = [b"HTTP/1.1", b" ", b"101 Switching Protocols", b"\r\n"]
        fields = _line(b"Connection", b"Upgrade", rng) + _line(b"Upgrade", b"websocket", rng)
        return [*tokens, *line, *fields, b"\r\n", _content(rng, tag)]
    old = rng.random() < 0.1
    status = rng.choice(STATUSES)
    tokens += [b"HTTP/1.%d" % (not old), b" ", status, b"\r\n"]
    fields = _some_fields(rng)
    if rng.random() < 0.1:
        fields += _line(b"Connection", b"keep-alive" if old else b"close", rng)
    framing = rng.random()
    if framing < 0.1:
        body = [_content(rng, b"r" + tag)]
    else:
        body = _body(rng, fields, b"r" + tag, chunked=not old and framing < 0.5)
    if asked[0] == b"HEAD" or status[:3] in (b"204", b"304"):
        body = []
    return [*tokens, *fields, b"\r\n", *body]
