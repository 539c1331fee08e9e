"""Who is told what happened to each request? Its journey begins here, and its client's side ends it (``frontend/``)."""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.logger import Logger

from openprequal.errors import GatewayError
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.journey import Journey, Witness
from openprequal.http1.request import RequestHead

log = Logger()


class Witnesses:
    """Several, told one after the other; none can become part of the request by failing."""

    __slots__ = ("_failed", "_members")

    def __init__(self, members: Sequence[Witness]) -> None:
        self._members = tuple(members)
        self._failed: set[Witness] = set()

    def __bool__(self) -> bool:
        return bool(self._members)

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

    def refused(
        self, request: RequestHead, error: GatewayError, began_at: float, ended_at: float, response_bytes: int
    ) -> None:
        """Tell them of one that was answered with *error* before there was an exchange for it."""
        journey = Journey(request, began_at, self)
        journey.status = error.status
        journey.error = error
        journey.response_bytes = response_bytes
        self.began(journey)
        journey.end(ended_at)

    def _failure(self, witness: Witness) -> None:
        # It may fail with every request from now on: one log entry says as much as a thousand a second.
        if witness not in self._failed:
            self._failed.add(witness)
            log.failure("{witness} has failed; of its next failures nothing will be said", witness=witness)


NOBODY: Final = Witnesses(())


def accompanied(make: ProxyExchange, witnesses: Sequence[Witness], now: Callable[[], float]) -> ProxyExchange:
    """*make*, with *witnesses* told of each request; *make* itself if there are none."""
    if not witnesses:
        return make
    all_of_them = Witnesses(witnesses)

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        journey = client.journey = Journey(request, now(), all_of_them)
        all_of_them.began(journey)
        return make(client, request)

    return exchange


def on_route(make: ProxyExchange, name: str) -> ProxyExchange:
    """*make*, whose requests' journeys get the route's *name*."""

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        if client.journey is not None:
            client.journey.route = name
        return make(client, request)

    return exchange
