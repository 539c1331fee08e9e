"""Requests that a proxy answers itself: CONNECT, and TRACE and OPTIONS that may go no further."""

from openprequal.errors import GatewayError, NotImplementedHere
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.whole_response import respond_whole
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead

_ALLOW = Field(b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE")
# A TRACE response must not show the secrets that the request carried (RFC 9110 section 9.3.8).
_SECRET = frozenset((b"authorization", b"proxy-authorization", b"cookie"))


def is_answered_here(head: RequestHead) -> bool:
    """True if the request goes to no backend whatever its path is."""
    return head.max_forwards == 0 or head.method == b"CONNECT"


class LocalAnswer:
    """The exchange of such a request."""

    def __init__(self, client: Downstream, head: RequestHead, date: Field, now: float) -> None:
        self._client = client
        self._head = head
        self._date = date
        self._now = now
        self._settled = False

    def start(self, body: bytes, ended: bool) -> None:
        head = self._head
        if head.method == b"CONNECT":
            # We are no tunnel to anywhere (RFC 9110 section 9.3.6).
            self.refuse(NotImplementedHere("CONNECT"))
            return
        if head.method == b"TRACE":
            lines = [head.method + b" " + head.target + b" HTTP/1.%d\r\n" % head.minor]
            lines += [field.wire for field in head.head_fields if field.key not in _SECRET]
            content = b"".join(lines) + b"\r\n"
            fields = [Field(b"Content-Type", b"message/http")]
        else:
            content = b""
            fields = [_ALLOW]
        respond_whole(self._client, head, 200, FieldSection([*fields, self._date]), content)
        self._settle()

    def request_more(self, chunk: bytes) -> None:
        """Content of such a request means nothing."""

    def request_end(self, trailers: list[Field]) -> None:
        """See ``request_more``."""

    def client_gone(self) -> None:
        self._settled = True

    def client_congested(self) -> None:
        """The answer is short."""

    def client_drained(self) -> None:
        """The answer is short."""

    def refuse(self, error: GatewayError) -> None:
        self._client.respond_error(error)
        self._settle()

    def expire(self, now: float) -> None:
        """Answered at once."""

    def shut_down(self) -> None:
        """Answered at once."""

    def _settle(self) -> None:
        if not self._settled:
            self._settled = True
            self._client.settled(self._now)
