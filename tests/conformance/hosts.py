"""Host and the targets that compete with it: absolute, asterisk, CONNECT (RFC 9112 section 3.2)."""

from .case import HOST, Answer, Case, Ends, Look, Seen
from .phrases import bad_line, message, passed, refused

LINE = "RFC 9112 3"
HOSTS = "RFC 9112 3.2"


def bad_host(name: str, value: bytes, section: str = HOSTS) -> Case:
    """A Host that names nothing."""
    return refused(f"host: {name}", section, message(b"GET / HTTP/1.1", b"Host:" + value))


CASES: list[Case] = [
    refused("host: none in HTTP/1.1", HOSTS, message(b"GET / HTTP/1.1")),
    refused("host: two, different", HOSTS, message(b"GET / HTTP/1.1", HOST, b"Host: b.example")),
    refused("host: two, equal", HOSTS, message(b"GET / HTTP/1.1", HOST, HOST)),
    refused("host: two, names in other case", HOSTS, message(b"GET / HTTP/1.1", HOST, b"hOST: b.example")),
    refused("host: two in HTTP/1.0", HOSTS, message(b"GET / HTTP/1.0", HOST, b"Host: b.example")),
    refused("host: none with an absolute target", HOSTS, message(b"GET http://b.example/ HTTP/1.1")),
    bad_host("a space within", b" a b"),
    bad_host("a list", b" a.example, b.example"),
    bad_host("a path", b" a.example/x"),
    bad_host("a query", b" a.example?x"),
    bad_host("a fragment", b" a.example#x"),
    bad_host("user information", b" user@a.example", "RFC 9110 4.2.4"),
    bad_host("a backslash", b" a.example\\x"),
    bad_host("a port that is no number", b" a.example:8a"),
    bad_host("two ports", b" a.example:80:80"),
    bad_host("an unclosed bracket", b" [::1"),
    bad_host("text after a bracket", b" [::1]x"),
    bad_host("a byte over 127", b" a\xe9.example"),
    bad_host("a quote", b' "a.example"'),
    bad_host("a whole URL", b" http://a.example"),
    bad_host("an angle bracket", b" <a>"),
    Case(
        "host: empty is passed on as it is or refused",
        HOSTS,
        (message(b"GET / HTTP/1.1", b"Host:"),),
        (Answer((200, 400)),),
        seen=(Seen(look=Look(has=(b"Host:",)), optional=True),),
    ),
    Case(
        "host: a port over 65535 is passed on as it is or refused",
        "RFC 3986 3.2.3",
        (message(b"GET / HTTP/1.1", b"Host: a.example:65536"),),
        (Answer((200, 400)),),
        seen=(Seen(look=Look(has=(b"Host: a.example:65536",)), optional=True),),
    ),
    passed(
        "host: with a port", HOSTS, message(b"GET / HTTP/1.1", b"Host: a.example:8080"), has=(b"Host: a.example:8080",)
    ),
    passed("host: an IPv6 address", HOSTS, message(b"GET / HTTP/1.1", b"Host: [::1]:80"), has=(b"Host: [::1]:80",)),
    passed("host: an IPv4 address", HOSTS, message(b"GET / HTTP/1.1", b"Host: 127.0.0.1"), has=(b"Host: 127.0.0.1",)),
    passed("host: an underscore", HOSTS, message(b"GET / HTTP/1.1", b"Host: a_b.example"), has=(b"Host: a_b.example",)),
    passed("host: capitals are kept", HOSTS, message(b"GET / HTTP/1.1", b"Host: A.Example"), has=(b"Host: A.Example",)),
    passed(
        "target: absolute form, its authority becomes Host",
        "RFC 9112 3.2.2",
        message(b"GET http://b.example:81/x?y=/z HTTP/1.1", HOST),
        b"GET /x?y=/z HTTP/1.1",
        has=(b"Host: b.example:81",),
    ),
    passed(
        "target: absolute form without a path",
        "RFC 9112 3.2.1",
        message(b"GET http://b.example HTTP/1.1", HOST),
        b"GET / HTTP/1.1",
        has=(b"Host: b.example",),
    ),
    passed(
        "target: absolute form with only a query",
        "RFC 9112 3.2.1",
        message(b"GET http://b.example?q HTTP/1.1", HOST),
        b"GET /?q HTTP/1.1",
        has=(b"Host: b.example",),
    ),
    passed(
        "target: absolute form, scheme in capitals",
        "RFC 9110 4.2.3",
        message(b"GET HTTP://b.example/ HTTP/1.1", HOST),
        b"GET / HTTP/1.1",
        has=(b"Host: b.example",),
    ),
    passed(
        "target: absolute form of OPTIONS without a path",
        "RFC 9112 3.2.4",
        message(b"OPTIONS http://b.example HTTP/1.1", HOST),
        b"OPTIONS * HTTP/1.1",
        has=(b"Host: b.example",),
    ),
    passed("target: OPTIONS *", "RFC 9112 3.2.4", message(b"OPTIONS * HTTP/1.1", HOST), b"OPTIONS * HTTP/1.1"),
    bad_line(
        "user information in the absolute target", b"GET http://u:p@b.example/ HTTP/1.1", section="RFC 9110 4.2.4"
    ),
    bad_line("an absolute target without authority", b"GET http:///x HTTP/1.1", section="RFC 9110 4.2.1"),
    bad_line("an absolute target with a bad port", b"GET http://b.example:x/ HTTP/1.1", section="RFC 9112 3.2.2"),
    bad_line(
        "an absolute target of a foreign scheme", b"GET ftp://b.example/ HTTP/1.1", (400, 421, 501), "RFC 9112 3.2.2"
    ),
    Case(
        "target: CONNECT is refused",
        "RFC 9110 9.3.6",
        (message(b"CONNECT b.example:443 HTTP/1.1", b"Host: b.example:443"),),
        (Answer((400, 403, 404, 405, 501)),),
        seen=(),
    ),
    Case(
        "target: CONNECT with a path is refused",
        "RFC 9112 3.2.3",
        (message(b"CONNECT / HTTP/1.1", HOST),),
        (Answer((400, 403, 404, 405, 501)),),
        Ends.ANY,
        seen=(),
    ),
]
