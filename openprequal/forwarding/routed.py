"""What makes the exchange of a request: the route is found, and makes it."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.http1.request import RequestHead
from openprequal.routing.normal_path import normal_path
from openprequal.routing.table import RouteTable


class Routed:
    """Makes exchanges by a table of routes; what was found is remembered with the head: the same bytes come again."""

    __slots__ = ("_ambiguous", "_nowhere", "_table")

    def __init__(self, table: RouteTable[ProxyExchange], *, nowhere: ProxyExchange, ambiguous: ProxyExchange) -> None:
        """
        :param nowhere: for requests that no route takes.
        :param ambiguous: for requests of which it cannot be said which path they name.
        """
        self._table = table
        self._nowhere = nowhere
        self._ambiguous = ambiguous

    def __call__(self, client: Downstream, request: RequestHead) -> ClientExchange:
        make: ProxyExchange | None = request.made_by
        if make is None:
            make = request.made_by = self._make(request)
        return make(client, request)

    def _make(self, request: RequestHead) -> ProxyExchange:
        path = normal_path(request.path)
        if path is None:
            return self._ambiguous
        entry = self._table.find(request, path)
        return self._nowhere if entry is None else entry.value


class Split:
    """Gives each request to one of several, in proportion to their weights."""

    __slots__ = ("_bounds", "_makes", "_rng", "_total")

    def __init__(self, rng: Random, weighted: Sequence[tuple[ProxyExchange, float]]) -> None:
        """:param weighted: with weights of at least 0, not all 0."""
        self._rng = rng
        self._makes = [make for make, weight in weighted if weight]
        self._bounds = list(accumulate(weight for _, weight in weighted if weight))
        self._total = self._bounds[-1]

    def __call__(self, client: Downstream, request: RequestHead) -> ClientExchange:
        return self.pick()(client, request)

    def pick(self) -> ProxyExchange:
        """One of them."""
        # random() is below 1, but its product may round up to the last bound.
        return self._makes[min(bisect(self._bounds, self._rng.random() * self._total), len(self._makes) - 1)]
