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
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead


@frozen
class Cors:
    """What other origins are told on one route."""

    rules: CorsRules
    preflight: ProxyExchange
    """Answers a preflight (:func:`preflight_answer`)."""
    date: Callable[[], Field]
    """For a response of our own."""


def preflight_answer(rules: CorsRules) -> Callable[[RequestHead], Answer]:
    """What a preflight is answered with (Fetch standard, "CORS-preflight fetch")."""
    return lambda request: Answer(204, tuple(rules.preflight_fields(request)))


def filtered(make: ProxyExchange, cors: Cors | None, compression: CompressionRules | None) -> ProxyExchange:
    """What makes exchanges whose responses pass the filters; *make* itself if there are none.

    Preflights are answered before anybody is asked whether the request may pass: browsers send them without
    credentials.
    """
    compressing = make if compression is None else _compressing(make, compression)
    if cors is None:
        return compressing
    rules, preflight, date = cors.rules, cors.preflight, cors.date

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        if rules.is_preflight(request):
            return preflight(client, request)
        return compressing(CrossOrigin(client, rules, request, date), request)

    return exchange


def _compressing(make: ProxyExchange, rules: CompressionRules) -> ProxyExchange:
    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        compressed = Compressed(client, rules, request)
        made = make(compressed, request)
        if isinstance(made, Exchange):
            compressed.read_from(made)
        return made

    return exchange
