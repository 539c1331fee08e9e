"""The head sent to the backend: which fields go on, which are replaced, which are added."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from openprequal.errors import LoopDetected
from openprequal.forwarding.hop_by_hop import EXPLAIN, HOP_BY_HOP, LOAD_REPORTS, named_by_connection
from openprequal.forwarding.vouching import plain_name
from openprequal.http1.fields import Field, list_members
from openprequal.http1.framing import CHUNKED
from openprequal.http1.request import RequestHead
from openprequal.networks import Network, is_within
from openprequal.routing.session_cookie import without_cookie
from openprequal.values import Backend

_ELSEWHERE: Final = HOP_BY_HOP | LOAD_REPORTS | EXPLAIN
_FORWARDED_FIELDS: Final = frozenset((b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded"))
# Written anew from what the head means, so that what is forwarded is framed by us.
_REWRITTEN: Final = frozenset((b"host", b"content-length", b"via"))
_TRACE: Final = frozenset((b"traceparent", b"tracestate"))


@frozen
class RequestRules:
    """What this gateway does to every request's head."""

    pseudonym: bytes
    """Our name in Via (RFC 9110 section 7.6.3)."""
    request_ids: Callable[[], bytes]
    """Makes the X-Request-Id line for a request that brings none."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Forwarded-* and Forwarded we add to; everybody else's are replaced."""
    forwarded: bool = False
    """Send Forwarded (RFC 7239) too."""
    keep_host: bool = True
    """Send the client's Host on, not the backend's."""
    scheme: bytes = b"http"
    """Of requests whose origin is not secure."""
    hidden_cookies: tuple[bytes, ...] = ()
    """Names of the cookies by which we know sessions, which is nobody else's business: those of all services of the
    route, because a head is rendered once for them all."""
    subject_field: bytes | None = None
    """Name of the field that tells the backend the subject of the client's certificate; None: none does."""
    deadline_field: bytes | None = None
    """Name of the field that tells the backend how many milliseconds are left for the request; None: none does."""
    traced: bool = False
    """We say which trace the request is of; the client's word does not go on beside ours."""

    @property
    def subject_key(self) -> bytes | None:
        """By what a field is recognised that nobody but us may send."""
        return None if self.subject_field is None else plain_name(self.subject_field)

    def is_trusted(self, client: str) -> bool:
        """Is *client* (an IP address; anything else is not) one of the trusted proxies?"""
        return is_within(client, self.trusted_proxies)


def came_by_tls(request: RequestHead, rules: RequestRules) -> bool:
    """Has the client spoken TLS, to us or by the word of a trusted proxy?"""
    told = request.header(b"x-forwarded-proto") if rules.is_trusted(request.client) else None
    spoken = b"https" if request.origin.secure else rules.scheme
    return (spoken if told is None else told.lower()) == b"https"


def takes_upgrade(upgrade: bytes) -> bool:
    """Do we pass on an upgrade to this protocol?

    Everything that is a byte stream between client and backend; but never another HTTP or TLS, because the requests in
    it would pass unseen.
    """
    protocols = [member.partition(b"/")[0] for member in list_members(upgrade)]
    return bool(protocols) and not any(protocol in (b"h2c", b"h2", b"http", b"tls") for protocol in protocols)


def render_request_head(request: RequestHead, rules: RequestRules, target: bytes, fields: list[Field]) -> bytes:
    """The head for the backend, without its end and, unless the client's is kept, without Host.

    An X-Request-Id that the client brought is in there; if it brought none, the caller appends a new one each time. The
    result depends on the head and its route only and may be remembered with the head.

    :param target: what is asked for, query included.
    :param fields: the client's, as the route would have them.
    :raises LoopDetected: the request has passed here before.
    """
    for cookie in rules.hidden_cookies:
        fields = without_cookie(fields, cookie)
    dropped = named_by_connection(request.connection)
    trusted = rules.is_trusted(request.client)
    head = [request.method, b" ", target, b" HTTP/1.1\r\n"]
    if rules.keep_host and request.host:
        head += [b"Host: ", request.host, b"\r\n"]
    via: list[bytes] = []
    forwarded: dict[bytes, list[bytes]] = {}
    deadline_key = rules.deadline_field.lower() if rules.deadline_field is not None else None
    subject_key = rules.subject_key
    for field in fields:
        key = field.key
        if key in _ELSEWHERE or key in dropped:
            continue
        if subject_key is not None and plain_name(key) == subject_key:
            continue
        if rules.traced and key in _TRACE:
            continue
        if key == b"via":
            via.append(field.value)
        elif key in _FORWARDED_FIELDS:
            if trusted:
                forwarded.setdefault(key, []).append(field.value)
        elif key not in _REWRITTEN and key != deadline_key and (key != b"max-forwards" or request.max_forwards is None):
            head.append(field.wire)
    _check_loop(via, rules.pseudonym)
    if request.length == CHUNKED:
        head.append(b"Transfer-Encoding: chunked\r\n")
    elif request.length or any(field.key == b"content-length" for field in fields):
        head.append(b"Content-Length: %d\r\n" % request.length)
    if request.max_forwards is not None:
        head.append(b"Max-Forwards: %d\r\n" % (request.max_forwards - 1))
    if request.upgrade and takes_upgrade(request.upgrade):
        head.append(b"Connection: upgrade\r\nUpgrade: " + request.upgrade + b"\r\n")
    if b"te" in request.connection and any(
        field.key == b"te" and b"trailers" in list_members(field.value) for field in fields
    ):
        # We pass trailers on, so the client's word that it takes them holds for the next hop (RFC 9110 section 10.1.4).
        head.append(b"TE: trailers\r\nConnection: TE\r\n")
    head.append(_forwarded(request, rules, forwarded))
    if rules.subject_field is not None and request.origin.subject:
        head.append(rules.subject_field + b": " + request.origin.subject + b"\r\n")
    via.append(b"1.%d " % request.minor + rules.pseudonym)
    head.append(b"Via: " + b", ".join(via) + b"\r\n")
    return b"".join(head)


def forwarded_lines(request: RequestHead, rules: RequestRules) -> bytes:
    """The X-Forwarded-* lines that are in the head for a backend, by themselves."""
    received: dict[bytes, list[bytes]] = {}
    if rules.is_trusted(request.client):
        for field in request.head_fields:
            if field.key in _FORWARDED_FIELDS:
                received.setdefault(field.key, []).append(field.value)
    return _forwarded(request, rules, received)


def host_line(backend: Backend) -> bytes:
    """The Host field of *backend*; an HTTP/1.0 request that has none gets it too (RFC 9112 section 3.2)."""
    return b"Host: " + backend.authority.encode("ascii") + b"\r\n"


def deadline_line(request: RequestHead, name: bytes, elapsed_s: float, left_s: float) -> bytes:
    """The field *name*: the milliseconds that are left, by our time-out or by what the client said in the same field.

    :param elapsed_s: since the request came.
    :param left_s: until we give it up.
    """
    told = request.header(name.lower())
    if told is not None and told.isdigit() and len(told) < 10:
        left_s = min(left_s, int(told) / 1000 - elapsed_s)
    return b"%b: %d\r\n" % (name, max(0, round(left_s * 1000)))


def _check_loop(via: list[bytes], pseudonym: bytes) -> None:
    if not via:
        return
    for member in list_members(b",".join(via)):
        # received-protocol RWS received-by [ RWS comment ]
        parts = member.split()
        if len(parts) > 1 and parts[1] == pseudonym.lower():
            raise LoopDetected("our own name is in Via")


def _forwarded(request: RequestHead, rules: RequestRules, received: dict[bytes, list[bytes]]) -> bytes:
    """X-Forwarded-* and, if wanted, Forwarded (RFC 7239); what a trusted proxy said is kept and added to."""
    client = request.client.encode("ascii", "replace")
    lines: list[bytes] = []
    if client:
        chain = [*received.get(b"x-forwarded-for", []), client]
        lines.append(b"X-Forwarded-For: " + b", ".join(chain) + b"\r\n")
    proto = received.get(b"x-forwarded-proto", [b"https" if request.origin.secure else rules.scheme])[-1]
    lines.append(b"X-Forwarded-Proto: " + proto + b"\r\n")
    host = received.get(b"x-forwarded-host", [request.host] if request.host else [])
    if host:
        lines.append(b"X-Forwarded-Host: " + host[-1] + b"\r\n")
    if rules.forwarded:
        node = b'"[%b]"' % client if b":" in client else client or b"unknown"
        element = b"for=" + node + b";proto=" + proto
        if request.host:
            element += b';host="' + request.host + b'"'
        lines.append(b"Forwarded: " + b", ".join([*received.get(b"forwarded", []), element]) + b"\r\n")
    return b"".join(lines)
