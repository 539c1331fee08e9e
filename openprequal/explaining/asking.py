"""May this request ask where it goes? It is a request like any other, so that the rule is strict."""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.web.http_headers import Headers

from openprequal.admin.access import AccessRules, told_by_proxy_protocol
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.http1.request import RequestHead
from openprequal.networks import Network, is_within

_BEARER: Final = b"bearer "

MayAsk = Callable[[Downstream, RequestHead], bool]


def may_ask(access: AccessRules, trusted: Sequence[Network]) -> MayAsk:
    """Who may: whoever may use the admin API, by the address of the very connection and by what the request says.

    ``Authorization`` is the backend's, so that a token comes in the field itself, as ``Bearer TOKEN``.

    :param trusted: proxies, whose requests are others', even if they do not say so: with a token only.
    """

    def allowed(client: Downstream, request: RequestHead) -> bool:
        transport = getattr(client, "transport", None)  # in a Site of somebody's own there is none to be sure of
        hearsay = told_by_proxy_protocol(transport) or is_within(request.client, trusted)
        headers = Headers()
        for field in request.head_fields:
            if field.key == b"x-openprequal-explain" and field.value[: len(_BEARER)].lower() == _BEARER:
                headers.addRawHeader(b"authorization", field.value)
            elif field.key != b"authorization":
                headers.addRawHeader(field.name, field.value)
        return access.objection(request.origin.source, hearsay, headers) is None

    return allowed


def asked(usual: ProxyExchange, explained: Callable[[], ProxyExchange], allowed: MayAsk) -> ProxyExchange:
    """What makes exchanges of requests that ask: *explained* for those that may, for all others *usual* without a hint.

    :param explained: makes that when it is first wanted.
    """
    made: ProxyExchange | None = None

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        nonlocal made
        # The same head may have been the other's: a token that is good now was not, perhaps.
        request.made_by = None
        if not allowed(client, request):
            return usual(client, request)
        if made is None:
            made = explained()
        return made(client, request)

    return exchange
