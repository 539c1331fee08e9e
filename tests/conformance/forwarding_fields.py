"""Via, X-Forwarded-*, X-Request-Id: how a gateway signs what it forwards (RFC 9110 section 7.6.3)."""

from .case import HOST, PSEUDONYM, Case, Ends
from .phrases import gets, message, own_answer, passed, sends

LINE = b"GET / HTTP/1.1"
VIA = "RFC 9110 7.6.3"


CASES: list[Case] = [
    sends("Via is added", VIA, joined=((b"via", rb"1\.1 \S+"),)),
    sends(
        "Via is added after those there are",
        VIA,
        b"Via: 1.0 first (x)",
        b"Via: 1.1 second",
        joined=((b"via", rb"1\.0 first \(x\), 1\.1 second, 1\.1 \S+"),),
    ),
    passed(
        "duty: Via names the version received",
        VIA,
        message(b"GET / HTTP/1.0", HOST),
        LINE,
        joined=((b"via", rb"1\.0 \S+"),),
        ends=Ends.CLOSED,
    ),
    own_answer("a loop is found by our own name in Via", VIA, message(LINE, HOST, b"Via: 1.1 " + PSEUDONYM), 508),
    own_answer(
        "a loop is found among others in Via",
        VIA,
        message(LINE, HOST, b"Via: 1.1 x, 1.1 " + PSEUDONYM + b" (c), 1.1 y"),
        508,
    ),
    own_answer(
        "a loop is found in another Via line", VIA, message(LINE, HOST, b"Via: 1.1 " + PSEUDONYM, b"Via: 1.1 y"), 508
    ),
    sends("our name in a comment of Via is no loop", VIA, b"Via: 1.1 x (" + PSEUDONYM + b")"),
    gets("Via is added to the response", VIA, joined=((b"via", rb"1\.1 \S+"),)),
    gets(
        "Via of the response keeps those before", VIA, b"Via: 1.1 origin", joined=((b"via", rb"1\.1 origin, 1\.1 \S+"),)
    ),
    sends("X-Forwarded-For is the client's address", "de facto", has=(b"X-Forwarded-For: 127.0.0.1",)),
    sends(
        "X-Forwarded-For of a client nobody trusts is replaced",
        "de facto",
        b"X-Forwarded-For: 6.6.6.6",
        b"x-forwarded-for: 7.7.7.7",
        has=(b"X-Forwarded-For: 127.0.0.1",),
    ),
    sends("X-Forwarded-Proto is replaced", "de facto", b"X-Forwarded-Proto: https", has=(b"X-Forwarded-Proto: http",)),
    sends(
        "X-Forwarded-Host is replaced",
        "de facto",
        b"X-Forwarded-Host: evil.example",
        has=(b"X-Forwarded-Host: a.example",),
    ),
    sends(
        "Forwarded of a client nobody trusts is not passed on",
        "RFC 7239 8.1",
        b"Forwarded: for=6.6.6.6",
        raw_lacks=b"6.6.6.6",
    ),
    sends("X-Request-Id is made", "de facto", joined=((b"x-request-id", rb"[0-9A-Za-z_-]{8,}"),)),
    sends("X-Request-Id is kept", "de facto", b"X-Request-Id: abc-123", has=(b"X-Request-Id: abc-123",)),
]
