"""How does another service get a copy of a request without the client noticing, whatever becomes of the copy?

A copy is a request of its own, sent once the client's is whole: with an exchange, a backend and an in-flight count of
its own, towards a client that is nobody. It is sent to one backend, and there are never more than so many.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from attrs import frozen

from openprequal.errors import GatewayError
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.journey import Journey
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead

MAX_COPIES: Final = 256
"""Copies under way at a time; a mirror that is too slow gets fewer requests, not ever more memory."""


class Copies:
    """The copies under way, of all routes.

    :ivar counts: requests so far by what became of their copies: ``sent``, ``dropped`` because too many were under way,
        ``too_large`` to be kept.
    """

    def __init__(self, most: int = MAX_COPIES) -> None:
        self.counts = {"sent": 0, "dropped": 0, "too_large": 0}
        self._most = most
        self._under_way: set[_Nobody] = set()

    def send(self, make: ProxyExchange, request: RequestHead, body: bytes) -> None:
        """Send a copy by the exchange that *make* makes, if there is room for one more."""
        if len(self._under_way) >= self._most:
            self.counts["dropped"] += 1
            return
        self.counts["sent"] += 1
        nobody = _Nobody(self)
        nobody.exchange = make(nobody, request)
        self._under_way.add(nobody)
        nobody.exchange.start(body, True)

    def over(self, nobody: "_Nobody") -> None:
        """The copy for *nobody* has settled."""
        self._under_way.discard(nobody)

    def expire(self, now: float) -> None:
        """Called from time to time: has one taken too long?"""
        for nobody in list(self._under_way):
            nobody.exchange.expire(now)

    def shut_down(self) -> None:
        """The gateway ends now."""
        for nobody in list(self._under_way):
            nobody.exchange.shut_down()

    @property
    def under_way(self) -> int:
        return len(self._under_way)


class _Nobody:
    """The :class:`~openprequal.forwarding.downstream.Downstream` of a copy: takes everything at once, wants nothing."""

    __slots__ = ("_copies", "exchange")

    exchange: ClientExchange
    journey: Journey | None = None

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None: ...
    def respond_more(self, chunk: bytes) -> None: ...
    def respond_end(self, trailers: list[Field]) -> None: ...
    def respond_informational(self, status: int, reason: bytes, section: FieldSection) -> None: ...
    def respond_switching(self, section: FieldSection, data: bytes) -> None: ...
    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        return 0

    def abort_response(self) -> None: ...
    def pause_request(self) -> None: ...
    def resume_request(self) -> None: ...

    def settled(self, now: float) -> None:
        self._copies.over(self)


@frozen
class Mirroring:
    """Makes a route's exchanges, some of them with a copy for another service."""

    make: ProxyExchange
    """Makes the exchange that the client gets its answer by."""
    copy: ProxyExchange
    """Makes the copy's."""
    share: float
    """Of the requests, at most 1."""
    max_bytes: int
    """Requests with a longer body are not copied."""
    rng: Random
    copies: Copies

    def __call__(self, client: Downstream, request: RequestHead) -> ClientExchange:
        # What asks for a tunnel would be one to nobody.
        if request.upgrade or (self.share < 1.0 and self.rng.random() >= self.share):
            return self.make(client, request)
        return MirroredExchange(self, client, request)


class MirroredExchange:
    """The client's exchange, and what is kept of its request for the copy."""

    __slots__ = ("_body", "_exchange", "_mirroring", "_request")

    def __init__(self, mirroring: Mirroring, client: Downstream, request: RequestHead) -> None:
        self._mirroring = mirroring
        self._request = request
        self._exchange = mirroring.make(client, request)
        self._body: bytes | None = b""

    def start(self, body: bytes, ended: bool) -> None:
        self._keep(body)
        self._exchange.start(body, ended)
        if ended:
            self._send()

    def request_more(self, chunk: bytes) -> None:
        self._keep(chunk)
        self._exchange.request_more(chunk)

    def request_end(self, trailers: list[Field]) -> None:
        self._exchange.request_end(trailers)
        self._send()

    def client_gone(self) -> None:
        self._exchange.client_gone()

    def client_congested(self) -> None:
        self._exchange.client_congested()

    def client_drained(self) -> None:
        self._exchange.client_drained()

    def refuse(self, error: GatewayError) -> None:
        self._exchange.refuse(error)

    def expire(self, now: float) -> None:
        self._exchange.expire(now)

    def shut_down(self) -> None:
        self._exchange.shut_down()

    def _keep(self, chunk: bytes) -> None:
        if self._body is None:
            return
        self._body += chunk
        if len(self._body) > self._mirroring.max_bytes:
            self._body = None
            self._mirroring.copies.counts["too_large"] += 1

    def _send(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            self._mirroring.copies.send(self._mirroring.copy, self._request, body)
