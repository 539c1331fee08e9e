"""A client's side that passes everything on: what a filter of responses begins with."""

from collections.abc import Sequence

from openprequal.errors import GatewayError
from openprequal.forwarding.downstream import Downstream
from openprequal.http1.fields import Field, FieldSection


class Passing:
    """A :class:`~openprequal.forwarding.downstream.Downstream` before another."""

    __slots__ = ("_client", "journey")

    def __init__(self, client: Downstream) -> None:
        self._client = client
        self.journey = client.journey

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        self._client.respond(status, reason, section, length, chunk, ended)

    def respond_more(self, chunk: bytes) -> None:
        self._client.respond_more(chunk)

    def respond_end(self, trailers: list[Field]) -> None:
        self._client.respond_end(trailers)

    def respond_informational(self, status: int, reason: bytes, section: FieldSection) -> None:
        self._client.respond_informational(status, reason, section)

    def respond_switching(self, section: FieldSection, data: bytes) -> None:
        self._client.respond_switching(section, data)

    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        return self._client.respond_error(error, more)

    def abort_response(self) -> None:
        self._client.abort_response()

    def pause_request(self) -> None:
        self._client.pause_request()

    def resume_request(self) -> None:
        self._client.resume_request()

    def settled(self, now: float) -> None:
        self._client.settled(now)
