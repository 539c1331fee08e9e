"""What stands between the exchanges of a route and its clients? Nothing, where nothing is configured."""

from collections.abc import Callable

from attrs import frozen

from openprequal.filters.compression import CompressionRules
from openprequal.filters.cors import CorsRules
from openprequal.forwarding.compressed import Compressed
from openprequal.forwarding.cross_origin import CrossOrigin
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.fixed_exchange import Answer
from openprequal.http1.request import RequestHead


@frozen
class Cors:
    """What other origins are told on one route."""

    rules: CorsRules
    preflight: ProxyExchange
    """Answers a preflight (:func:`preflight_answer`)."""


def preflight_answer(rules: CorsRules) -> Callable[[RequestHead], Answer]:
    """What a preflight is answered with (Fetch standard, "CORS-preflight fetch")."""
    return lambda request: Answer(204, tuple(rules.preflight_fields(request)))


def cross_origin(make: ProxyExchange, cors: Cors | None) -> ProxyExchange:
    """What makes exchanges whose responses say who may use them; *make* itself if nothing is to be said.

    Preflights are answered before anybody is asked whether the request may pass: browsers send them without
    credentials.
    """
    if cors is None:
        return make
    rules, preflight = cors.rules, cors.preflight

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        if rules.is_preflight(request):
            return preflight(client, request)
        return make(CrossOrigin(client, rules, request), request)

    return exchange


def compressing(
    make: Callable[[Downstream, RequestHead], Exchange], rules: CompressionRules | None
) -> Callable[[Downstream, RequestHead], Exchange]:
    """What makes exchanges whose responses are compressed; *make* itself if none are."""
    if rules is None:
        return make

    def exchange(client: Downstream, request: RequestHead) -> Exchange:
        compressed = Compressed(client, rules, request)
        made = make(compressed, request)
        compressed.read_from(made)
        return made

    return exchange
