"""Methods and targets reach the backend byte for byte (RFC 9110 section 7.7)."""

from .case import HOST, Answer, Case, Seen
from .phrases import message, passed

TARGETS: list[tuple[str, bytes]] = [
    ("two slashes", b"//a//b//"),
    ("an encoded slash", b"/a%2Fb%2f"),
    ("dot segments", b"/a/./b/../c"),
    ("leading dot segments", b"/../../etc/passwd"),
    ("encoded dots", b"/a/%2e%2E/b"),
    ("parameters", b"/a;v=1/b;x"),
    ("an empty query", b"/a?"),
    ("question marks in the query", b"/a?b=?&c=/"),
    ("a URL in the query", b"/a?u=http://b.example/c"),
    ("a plus and encoded spaces", b"/a+b%20c?d+e=%20"),
    ("all that may be unencoded", b"/~!$&'()*+,;=:@-._"),
    ("an encoded NUL", b"/a%00b"),
    ("an encoded percent", b"/%25%32%46"),
    ("a percent that encodes nothing", b"/100%/x"),
    ("a colon at once", b"/:a"),
    ("an at sign at once", b"/@a"),
    ("a path of one kilobyte", b"/" + b"a" * 1024),
]
METHODS = [
    b"PUT",
    b"DELETE",
    b"PATCH",
    b"PROPFIND",
    b"BREW",
    b"M-SEARCH",
    b"get",
    b"QUERY",
    b"X" * 30,
    b"!#$%&'*+-.^_`|~09aZ",
]
CHANGELESS = "RFC 9110 7.7"

CASES: list[Case] = [
    *[
        passed(
            f"target kept: {name}",
            CHANGELESS,
            message(b"GET " + target + b" HTTP/1.1", HOST),
            b"GET " + target + b" HTTP/1.1",
        )
        for name, target in TARGETS
    ],
    *[
        passed(
            f"method kept: {method.decode()}",
            "RFC 9110 9.1",
            message(method + b" /x HTTP/1.1", HOST),
            method + b" /x HTTP/1.1",
        )
        for method in METHODS
    ],
    passed(
        "method kept: an unknown one with a body",
        "RFC 9110 9.1",
        message(b"BREW /x HTTP/1.1", HOST, b"Content-Length: 5", body=b"hello"),
        b"BREW /x HTTP/1.1",
        body=b"hello",
    ),
    passed(
        "method kept: an unknown one with a chunked body",
        "RFC 9110 9.1",
        message(b"BREW /x HTTP/1.1", HOST, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"),
        b"BREW /x HTTP/1.1",
        body=b"hello",
    ),
    *[
        Case(
            f"target: {name} is kept or refused",
            "RFC 9112 3.2",
            (message(b"GET " + target + b" HTTP/1.1", HOST),),
            (Answer((200, 400)),),
            seen=(Seen(b"GET " + target + b" HTTP/1.1", optional=True),),
        )
        for name, target in [
            ("a byte over 127", b"/caf\xe9"),
            ("UTF-8", "/café".encode()),
            ("a fragment", b"/a#b"),
            ("braces and bars", b"/{a}|b"),
            ("a quote", b'/a"b'),
            ("a backslash", b"/a\\..\\b"),
        ]
    ],
]
