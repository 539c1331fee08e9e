"""Fields, statuses and bodies reach the other end as they came (RFC 9110 section 7.7)."""

from .case import HOST, Act, Answer, Case, Ends, Look, Seen
from .phrases import GET, OK_REPLY, answered, message, passed

FIELDS = "RFC 9110 5.3"

CASES: list[Case] = [
    passed(
        "request fields keep order and case",
        FIELDS,
        message(b"GET / HTTP/1.1", HOST, b"X-b: 2", b"x-A: 1", b"ACCEPT: */*", b"X-b: 3"),
        verbatim=(b"X-b: 2", b"x-A: 1", b"ACCEPT: */*", b"X-b: 3"),
        has=(b"X-b: 2", b"X-b: 3"),
    ),
    passed(
        "several Cookie lines",
        FIELDS,
        message(b"GET / HTTP/1.1", HOST, b"Cookie: a=1", b"Cookie: b=2"),
        joined=((b"cookie", rb"a=1[,;] b=2"),),
    ),
    passed("an empty value", "RFC 9110 5.5", message(b"GET / HTTP/1.1", HOST, b"X-Empty:"), has=(b"X-Empty:",)),
    passed(
        "a value with inner spaces and tabs",
        "RFC 9110 5.5",
        message(b"GET / HTTP/1.1", HOST, b"X-A: a \t b"),
        has=(b"X-A: a \t b",),
    ),
    passed(
        "a value with bytes over 127",
        "RFC 9110 5.5",
        message(b"GET / HTTP/1.1", HOST, b"X-A: \xe9\xff"),
        has=(b"X-A: \xe9\xff",),
    ),
    passed(
        "a value with colons", "RFC 9110 5.5", message(b"GET / HTTP/1.1", HOST, b"X-A: b: c::"), has=(b"X-A: b: c::",)
    ),
    passed("no space after the colon", "RFC 9112 5.1", message(b"GET / HTTP/1.1", HOST, b"X-A:b"), has=(b"X-A: b",)),
    passed(
        "every token character in a name",
        "RFC 9110 5.6.2",
        message(b"GET / HTTP/1.1", HOST, b"!#$%&'*+.^_`|~1a: b"),
        has=(b"!#$%&'*+.^_`|~1a: b",),
    ),
    passed(
        "Authorization, conditions and ranges are passed on",
        "RFC 9110 7.6.1",
        message(
            b"GET / HTTP/1.1",
            HOST,
            b"Authorization: Basic eA==",
            b'If-None-Match: "x"',
            b"Range: bytes=0-1",
            b"Accept-Encoding: gzip, br",
        ),
        has=(b"Authorization: Basic eA==", b'If-None-Match: "x"', b"Range: bytes=0-1", b"Accept-Encoding: gzip, br"),
    ),
    answered(
        "response fields keep order, case and repetition",
        FIELDS,
        message(
            b"HTTP/1.1 200 OK",
            b"sET-cOOKIE: a=1; Path=/",
            b"X-Z: 1",
            b"Set-Cookie: b=2",
            b"Content-Length: 2",
            body=b"ok",
        ),
        verbatim=(b"sET-cOOKIE: a=1; Path=/", b"X-Z: 1", b"Set-Cookie: b=2"),
    ),
    answered(
        "Server and Date of the backend are kept",
        "RFC 9110 6.6.1",
        message(
            b"HTTP/1.1 200 OK", b"Server: S/1", b"Date: Sun, 06 Nov 1994 08:49:37 GMT", b"Content-Length: 2", body=b"ok"
        ),
        has=(b"Server: S/1", b"Date: Sun, 06 Nov 1994 08:49:37 GMT"),
    ),
    answered(
        "no Server is made up",
        "RFC 9110 10.2.4",
        message(b"HTTP/1.1 200 OK", b"Content-Length: 2", body=b"ok"),
        lacks=(b"server",),
    ),
    answered(
        "Date is added when it is absent",
        "RFC 9110 6.6.1",
        message(b"HTTP/1.1 200 OK", b"Content-Length: 2", body=b"ok"),
        joined=((b"date", rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),),
    ),
    answered(
        "content coding is not touched",
        "RFC 9110 7.7",
        message(b"HTTP/1.1 200 OK", b"Content-Encoding: gzip", b"Content-Length: 3", body=b"\x1f\x8b\x08"),
        has=(b"Content-Encoding: gzip",),
        body=b"\x1f\x8b\x08",
    ),
    answered(
        "a body of every byte",
        "RFC 9110 6.4",
        message(b"HTTP/1.1 200 OK", b"Content-Length: 256", body=bytes(range(256))),
        body=bytes(range(256)),
    ),
    passed(
        "a request body of every byte",
        "RFC 9110 6.4",
        message(b"POST / HTTP/1.1", HOST, b"Content-Length: 256", body=bytes(range(256))),
        body=bytes(range(256)),
    ),
    passed(
        "a request body of 300,000 bytes",
        "RFC 9110 6.4",
        message(b"POST / HTTP/1.1", HOST, b"Content-Length: 300000", body=b"0123456789" * 30000),
        body=b"0123456789" * 30000,
    ),
    answered(
        "a response body of 300,000 bytes",
        "RFC 9110 6.4",
        message(b"HTTP/1.1 200 OK", b"Content-Length: 300000", body=b"0123456789" * 30000),
        body=b"0123456789" * 30000,
    ),
    *[
        answered(
            f"status {status} is passed on",
            "RFC 9110 15",
            message(b"HTTP/1.1 %d Whatever" % status, b"Content-Length: 2", b"Location: /a//b?", body=b"ok"),
            status=status,
            has=(b"Location: /a//b?",),
            body=b"ok",
        )
        for status in (201, 206, 301, 307, 401, 404, 418, 429, 500, 599)
    ],
    answered("an empty reason", "RFC 9112 4", message(b"HTTP/1.1 200 ", b"Content-Length: 2", body=b"ok"), body=b"ok"),
    answered(
        "a reason of several words",
        "RFC 9112 4",
        message(b"HTTP/1.1 200 Quite all right", b"Content-Length: 2", body=b"ok"),
        body=b"ok",
    ),
    Case(
        "502 of the backend is its own",
        "RFC 9110 15.6.3",
        (GET,),
        (Answer((502,), Look(body=b"own")),),
        Ends.OPEN,
        replies=((Act.BODY, message(b"HTTP/1.1 502 Bad", b"Content-Length: 3", body=b"own")),),
    ),
    Case(
        "503 and Retry-After of the backend are its own",
        "RFC 9110 10.2.3",
        (GET,),
        (Answer((503,), Look(body=b"own", has=(b"Retry-After: 7",))),),
        Ends.OPEN,
        replies=((Act.BODY, message(b"HTTP/1.1 503 Busy", b"Retry-After: 7", b"Content-Length: 3", body=b"own")),),
    ),
    Case(
        "the same connection may ask different hosts",
        "RFC 9112 9.3",
        (message(b"GET /1 HTTP/1.1", HOST), message(b"GET /2 HTTP/1.1", b"Host: b.example")),
        (Answer((200,)), Answer((200,))),
        Ends.OPEN,
        replies=(OK_REPLY,),
        seen=(Seen(b"GET /1 HTTP/1.1", Look(has=(HOST,))), Seen(b"GET /2 HTTP/1.1", Look(has=(b"Host: b.example",)))),
    ),
]
