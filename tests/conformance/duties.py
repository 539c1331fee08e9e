"""Hop-by-hop fields and what a gateway answers itself (RFC 9110 section 7.6)."""

from .case import HOST, Act, Answer, Case, Ends, Look, Seen
from .phrases import GET, gets, message, own_answer, passed, sends

LINE = b"GET / HTTP/1.1"
HOP = "RFC 9110 7.6.1"
MAX = "RFC 9110 7.6.2"


CASES: list[Case] = [
    sends(
        "Connection does not go on", HOP, b"Connection: keep-alive", joined=((b"connection", rb"|keep-alive|close"),)
    ),
    sends(
        "a field that Connection names goes",
        HOP,
        b"Connection: X-Hop",
        b"X-Hop: 1",
        b"X-End: 1",
        lacks=(b"x-hop",),
        has=(b"X-End: 1",),
    ),
    sends(
        "names in Connection are in any case", HOP, b"Connection: x-HOP , Keep-Alive", b"X-Hop: 1", lacks=(b"x-hop",)
    ),
    sends(
        "names in two Connection lines",
        HOP,
        b"Connection: X-One",
        b"Connection: X-Two",
        b"X-One: 1",
        b"X-Two: 1",
        lacks=(b"x-one", b"x-two"),
    ),
    sends(
        "every repetition of a named field goes", HOP, b"Connection: X-Hop", b"X-Hop: 1", b"X-Hop: 2", lacks=(b"x-hop",)
    ),
    sends("empty members in Connection", "RFC 9110 5.6.1", b"Connection: ,, X-Hop ,", b"X-Hop: 1", lacks=(b"x-hop",)),
    sends("Keep-Alive goes", HOP, b"Keep-Alive: timeout=5", lacks=(b"keep-alive",)),
    sends("Proxy-Connection goes", HOP, b"Proxy-Connection: keep-alive", lacks=(b"proxy-connection",)),
    sends(
        "TE goes, or only says trailers",
        "RFC 9110 10.1.4",
        b"TE: trailers, gzip;q=0.5",
        b"Connection: TE",
        joined=((b"te", rb"|trailers"),),
    ),
    sends(
        "TE that Connection does not name goes too", "RFC 9110 10.1.4", b"TE: gzip", joined=((b"te", rb"|trailers"),)
    ),
    sends("Upgrade without Connection goes", "RFC 9110 7.8", b"Upgrade: websocket", lacks=(b"upgrade",)),
    Case(
        "duty: Connection cannot remove Host",
        HOP,
        (message(LINE, HOST, b"Connection: Host"),),
        (Answer((200, 400)),),
        seen=(Seen(LINE, Look(has=(HOST,)), optional=True),),
    ),
    Case(
        "duty: Connection cannot remove Content-Length",
        HOP,
        (message(b"POST / HTTP/1.1", HOST, b"Connection: Content-Length", b"Content-Length: 5", body=b"hello"),),
        (Answer((200, 400)),),
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello"), optional=True),),
    ),
    Case(
        "duty: Connection cannot remove Transfer-Encoding",
        HOP,
        (
            message(
                b"POST / HTTP/1.1",
                HOST,
                b"Connection: Transfer-Encoding",
                b"Transfer-Encoding: chunked",
                body=b"5\r\nhello\r\n0\r\n\r\n",
            ),
        ),
        (Answer((200, 400)),),
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello"), optional=True),),
    ),
    Case(
        "duty: Connection cannot remove what the gateway adds",
        HOP,
        (message(LINE, HOST, b"Connection: X-Forwarded-For, Via"),),
        (Answer((200, 400)),),
        seen=(Seen(LINE, Look(has=(b"X-Forwarded-For: 127.0.0.1",), joined=((b"via", rb"1\.1 \S+"),)), optional=True),),
    ),
    own_answer(
        "TRACE with Max-Forwards 0 ends here",
        MAX,
        message(b"TRACE / HTTP/1.1", HOST, b"Max-Forwards: 0"),
        200,
        400,
        403,
        405,
        501,
    ),
    own_answer(
        "OPTIONS with Max-Forwards 0 ends here", MAX, message(b"OPTIONS / HTTP/1.1", HOST, b"Max-Forwards: 0"), 200, 204
    ),
    own_answer(
        "OPTIONS * with Max-Forwards 0 ends here",
        MAX,
        message(b"OPTIONS * HTTP/1.1", HOST, b"Max-Forwards: 0"),
        200,
        204,
    ),
    passed(
        "duty: OPTIONS with Max-Forwards 5 goes on with 4",
        MAX,
        message(b"OPTIONS / HTTP/1.1", HOST, b"Max-Forwards: 5"),
        b"OPTIONS / HTTP/1.1",
        has=(b"Max-Forwards: 4",),
    ),
    Case(
        "duty: TRACE with Max-Forwards 5 goes on with 4, or is refused",
        MAX,
        (message(b"TRACE / HTTP/1.1", HOST, b"Max-Forwards: 5"),),
        (Answer((200, 403, 405, 501)),),
        seen=(Seen(b"TRACE / HTTP/1.1", Look(has=(b"Max-Forwards: 4",)), optional=True),),
    ),
    sends("Max-Forwards of other methods is left alone", MAX, b"Max-Forwards: 0", has=(b"Max-Forwards: 0",)),
    gets(
        "Connection of the response does not go on",
        HOP,
        b"Connection: close, X-Hop",
        b"X-Hop: 1",
        b"X-End: 1",
        lacks=(b"x-hop",),
        has=(b"X-End: 1",),
    ),
    gets(
        "Keep-Alive of the response goes",
        HOP,
        b"Keep-Alive: timeout=5",
        b"Connection: keep-alive",
        raw_lacks=b"timeout=5",
    ),
    gets("Proxy-Connection of the response goes", HOP, b"Proxy-Connection: close", lacks=(b"proxy-connection",)),
    gets(
        "Upgrade that a response offers goes", "RFC 9110 7.8", b"Upgrade: h2c", b"Connection: upgrade", raw_lacks=b"h2c"
    ),
    gets(
        "WWW-Authenticate is end to end",
        "RFC 9110 11.6.1",
        b"WWW-Authenticate: Basic",
        has=(b"WWW-Authenticate: Basic",),
    ),
    Case(
        "duty: the gateway's own errors are problem documents and name no internals",
        "RFC 9457 3",
        (GET,),
        (Answer((502,), Look(has=(b"Content-Type: application/problem+json",), raw_lacks=b"127.0.0.1")),),
        Ends.ANY,
        replies=((Act.BODY, b"garbage\r\n\r\n"),),
    ),
]
