"""Proxied requests where rate limits are set: those that come too soon are answered here with 429."""

from collections.abc import Callable

from openprequal.errors import TooManyRequests
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.frontend.local_answers import LocalAnswer
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead


class TooSoon(LocalAnswer):
    """The exchange of a request that may not come yet."""

    def __init__(self, client: Downstream, head: RequestHead, date: Field, now: float, wait_s: float) -> None:
        super().__init__(client, head, date, now)
        self._wait_s = wait_s

    def start(self, body: bytes, ended: bool) -> None:
        self.refuse(TooManyRequests("over a rate limit", self._wait_s))


def rate_limited(
    proxy: ProxyExchange,
    limit: Callable[[RequestHead, float], float | None],
    *,
    now: Callable[[], float],
    date: Callable[[], Field],
    refused: Callable[[int], None],
) -> ProxyExchange:
    """What makes the exchange of a proxied request that *limit* may refuse before a backend is picked.

    :param proxy: makes that of one it does not.
    :param limit: see :meth:`openprequal.limiting.rate_limits.RateLimits.wait_s`.
    :param refused: told the status of those it does.
    """

    def exchange(client: Downstream, head: RequestHead) -> ClientExchange:
        at = now()
        wait_s = limit(head, at)
        if wait_s is None:
            return proxy(client, head)
        refused(TooManyRequests.status)
        return TooSoon(client, head, date(), at, wait_s)

    return exchange
