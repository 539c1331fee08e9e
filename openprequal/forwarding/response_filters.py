"""What stands between the exchanges of a route and its clients? Nothing that costs, where nothing is configured."""

from collections.abc import Callable
from typing import Protocol

from attrs import frozen

from openprequal.filters.compression import CompressionRules
from openprequal.filters.cors import CorsRules
from openprequal.forwarding.compressed import Compressed
from openprequal.forwarding.cross_origin import CrossOrigin
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.preflight import NO_CONTENT, Preflight
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead

MakeExchange = Callable[[Downstream, RequestHead], Exchange]


class Counts(Protocol):
    """Counts a request that an exchange has nothing to do with."""

    def __call__(self, method: bytes, status: int) -> None: ...


@frozen
class ResponseFilters:
    """CORS and compression as a route wants them; None: not at all."""

    cors: CorsRules | None
    compression: CompressionRules | None
    date: Callable[[], Field]
    now: Callable[[], float]
    counted: Counts

    def before(self, make: MakeExchange) -> Callable[[Downstream, RequestHead], Exchange | Preflight]:
        """What makes exchanges whose responses pass the filters; *make* itself if there are none.

        Preflights are answered before anybody is asked whether the request may pass: browsers send them without
        credentials.
        """
        if self.cors is None and self.compression is None:
            return make

        def exchange(client: Downstream, request: RequestHead) -> Exchange | Preflight:
            cors, compression = self.cors, self.compression
            if cors is not None and cors.is_preflight(request):
                self.counted(request.method, NO_CONTENT)
                return Preflight(client, [*cors.preflight_fields(request), self.date()], self.now())
            if compression is None:
                assert cors is not None
                return make(CrossOrigin(client, cors, request, self.date), request)
            compressed = Compressed(client, compression, request)
            client = compressed if cors is None else CrossOrigin(compressed, cors, request, self.date)
            made = make(client, request)
            compressed.read_from(made)
            return made

        return exchange
