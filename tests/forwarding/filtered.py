"""A network whose one route has filters."""

from functools import partial
from typing import Any

from openprequal.filters.codings import coders
from openprequal.filters.compression import CompressionRules, Places
from openprequal.filters.cors import CorsRules
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.fixed_exchange import AnswerRules, FixedExchange
from openprequal.forwarding.response_filters import Cors, compressing, cross_origin, preflight_answer
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.testing.network import MemoryNetwork

DATE = Field(b"Date", b"today")


class FilteredNetwork(MemoryNetwork):
    """:ivar counted: what was answered without an exchange, by method and status.
    :ivar places: see :class:`~openprequal.filters.compression.CompressionRules`.
    """

    def __init__(
        self,
        *,
        cors: CorsRules | None = None,
        compression: dict[str, Any] | None = None,
        places: int = 4,
        make: Any = Exchange,
        **options: Any,
    ) -> None:
        """:param compression: attributes of the rules to set; None: nothing is compressed."""
        self.counted: list[tuple[bytes, int]] = []
        self.places = Places(places)
        rules = None if compression is None else CompressionRules(coders(None, {}), self.places, **compression)

        def make_exchange(route: Any, client: Any, request: Any) -> Any:
            told = None if cors is None else Cors(cors, self._preflight(cors))
            return cross_origin(compressing(partial(make, route), rules), told)(client, request)

        super().__init__(make_exchange=make_exchange, **options)

    def _preflight(self, cors: CorsRules) -> Any:
        answer = preflight_answer(cors)
        return partial(FixedExchange, AnswerRules(self.clock.seconds, answer, lambda: DATE, None, self._count))

    def _count(self, request: RequestHead, status: int, seconds: float) -> None:
        self.counted.append((request.method, status))
