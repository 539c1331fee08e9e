"""The client's side as an exchange sees it, whichever frontend it came through, and what that asks of an exchange."""

from collections.abc import Callable, Sequence
from typing import Protocol

from openprequal.errors import GatewayError
from openprequal.forwarding.journey import Journey
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead


class Downstream(Protocol):
    """Where a response goes. One call of ``respond`` or ``respond_error``, then content, then the end."""

    journey: Journey | None
    """What happens to the request, written down for those who witness it; None: nobody does.

    What is received and sent is written down by the frontend, which ends it when the exchange has settled.
    """

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        """Send the final head, with content that is there already.

        :param section: end-to-end fields; framing and connection management are added here.
        :param length: of the content: bytes, or ``framing.CHUNKED`` / ``framing.UNTIL_CLOSE`` if not known.
        :param ended: *chunk* is all there is.
        """

    def respond_more(self, chunk: bytes) -> None:
        """Send more content."""

    def respond_end(self, trailers: list[Field]) -> None:
        """All content was sent."""

    def respond_informational(self, status: int, reason: bytes, section: FieldSection) -> None:
        """Send a 1xx head, if this client can take one."""

    def respond_switching(self, section: FieldSection, data: bytes) -> None:
        """Send 101; from now on bytes pass both ways."""

    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        """Send a problem document, or a page of the operator's.

        :param more: fields beside those of every such answer.
        :return: bytes of content sent.
        """

    def abort_response(self) -> None:
        """The response cannot be completed: end it so that the client sees it is not complete."""

    def pause_request(self) -> None:
        """Send no more of the request's body for now."""

    def resume_request(self) -> None:
        """Go on sending the request's body."""

    def settled(self, now: float) -> None:
        """The exchange is over, at *now*."""


class ClientExchange(Protocol):
    """What the client's side asks of an exchange; see :class:`openprequal.forwarding.exchange.Exchange`."""

    def start(self, body: bytes, ended: bool) -> None: ...
    def request_more(self, chunk: bytes) -> None: ...
    def request_end(self, trailers: list[Field]) -> None: ...
    def client_gone(self) -> None: ...
    def client_congested(self) -> None: ...
    def client_drained(self) -> None: ...
    def refuse(self, error: GatewayError) -> None: ...
    def expire(self, now: float) -> None: ...
    def shut_down(self) -> None: ...


ProxyExchange = Callable[[Downstream, RequestHead], ClientExchange]
"""Makes the exchange of a proxied request."""
