"""Who is told what happened to each request? Those who witness it: a client's side that writes down what it is sent."""

from collections.abc import Callable, Sequence

from twisted.logger import Logger

from openprequal.errors import GatewayError
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.journey import Journey, Witness
from openprequal.forwarding.passing import Passing
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead

log = Logger()


class Witnesses:
    """Several, told one after the other; none can become part of the request by failing."""

    __slots__ = ("_failed", "_members")

    def __init__(self, members: Sequence[Witness]) -> None:
        self._members = tuple(members)
        self._failed: set[Witness] = set()

    def began(self, journey: Journey) -> None:
        for witness in self._members:
            try:
                witness.began(journey)
            except Exception:
                self._failure(witness)

    def ended(self, journey: Journey) -> None:
        for witness in self._members:
            try:
                witness.ended(journey)
            except Exception:
                self._failure(witness)

    def _failure(self, witness: Witness) -> None:
        # It may fail with every request from now on: one log entry says as much as a thousand a second.
        if witness not in self._failed:
            self._failed.add(witness)
            log.failure("{witness} has failed; of its next failures nothing will be said", witness=witness)


class Accompanied(Passing):
    """A :class:`~openprequal.forwarding.downstream.Downstream` that knows its request's journey."""

    __slots__ = ("_witness",)

    journey: Journey

    def __init__(self, client: Downstream, journey: Journey, witness: Witness) -> None:
        super().__init__(client)
        self.journey = journey
        self._witness = witness

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        journey = self.journey
        journey.status = status
        journey.response_bytes = len(chunk)
        self._client.respond(status, reason, section, length, chunk, ended)

    def respond_more(self, chunk: bytes) -> None:
        self.journey.response_bytes += len(chunk)
        self._client.respond_more(chunk)

    def respond_switching(self, section: FieldSection, data: bytes) -> None:
        self.journey.status = 101
        self.journey.response_bytes = len(data)
        self._client.respond_switching(section, data)

    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        journey = self.journey
        journey.status = error.status
        journey.error = error
        journey.response_bytes = self._client.respond_error(error, more)
        return journey.response_bytes

    def abort_response(self) -> None:
        self.journey.broken = True
        self._client.abort_response()

    def settled(self, now: float) -> None:
        journey = self.journey
        journey.ended_at = now
        self._witness.ended(journey)
        self._client.settled(now)


def accompanied(make: ProxyExchange, witnesses: Sequence[Witness], now: Callable[[], float]) -> ProxyExchange:
    """*make*, with *witnesses* told of each request; *make* itself if there are none."""
    if not witnesses:
        return make
    all_of_them = Witnesses(witnesses)

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        journey = Journey(request, now())
        all_of_them.began(journey)
        return make(Accompanied(client, journey, all_of_them), request)

    return exchange


def on_route(make: ProxyExchange, name: str) -> ProxyExchange:
    """*make*, whose requests' journeys get the route's *name*."""

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        if client.journey is not None:
            client.journey.route = name
        return make(client, request)

    return exchange
