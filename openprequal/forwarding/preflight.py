"""A preflight is answered by the gateway itself, at once (Fetch standard, "CORS-preflight fetch")."""

from openprequal.errors import GatewayError
from openprequal.forwarding.downstream import Downstream
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.phrases import PHRASES

NO_CONTENT = 204


class Preflight:
    """The exchange of such a request: whatever is asked of it, it has been answered."""

    __slots__ = ("_client", "_now", "_section")

    def __init__(self, client: Downstream, fields: list[Field], now: float) -> None:
        self._client = client
        self._section = FieldSection(fields)
        self._now = now

    def start(self, body: bytes, ended: bool) -> None:
        self._client.respond(NO_CONTENT, PHRASES[NO_CONTENT], self._section, 0, b"", True)
        self._client.settled(self._now)

    def request_more(self, chunk: bytes) -> None:
        """Content of such a request means nothing."""

    def request_end(self, trailers: list[Field]) -> None:
        """See ``request_more``."""

    def client_gone(self) -> None:
        """It has its answer."""

    def client_congested(self) -> None:
        """The answer is short."""

    def client_drained(self) -> None:
        """The answer is short."""

    def refuse(self, error: GatewayError) -> None:
        """The connection closes because of what is wrong with it."""

    def expire(self, now: float) -> None:
        """Answered at once."""

    def shut_down(self) -> None:
        """Answered at once."""
