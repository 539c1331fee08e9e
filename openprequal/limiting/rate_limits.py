"""May this request come now? Rules of how many a second, by client, by a field's value, or of all together."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final
from weakref import WeakValueDictionary

from attrs import frozen

from openprequal.interfaces import IRequest
from openprequal.limiting.token_buckets import TokenBuckets
from openprequal.limiting.true_client import client_network, true_client
from openprequal.networks import Network

HEADER: Final = "header:"
KeyOf = Callable[[IRequest], object]


@frozen
class RateRule:
    """One limit."""

    name: str
    """For the metrics."""
    by: str
    """``client``, ``header:NAME`` or ``all``."""
    per_second: float
    burst: int


Known = WeakValueDictionary[RateRule, TokenBuckets]
"""Found as long as somebody uses them."""


class RateLimits:
    """Some rules, each of which every request must satisfy."""

    __slots__ = ("_limited", "_rules")

    def __init__(
        self, rules: Sequence[RateRule], trusted: Sequence[Network], *, limited: "Counter[str]", known: Known
    ) -> None:
        """
        :param trusted: proxies that are believed when they tell who the client is.
        :param limited: gets the requests that had to wait counted by the name of the rule.
        :param known: buckets of rules that are in use; one that has not changed goes on with its own.
        """
        self._limited = limited
        self._rules: list[tuple[RateRule, KeyOf, TokenBuckets]] = []
        for rule in rules:
            buckets = known.get(rule)
            if buckets is None:
                buckets = known[rule] = TokenBuckets(rule.per_second, rule.burst)
            self._rules.append((rule, key_of(rule.by, trusted), buckets))

    def wait_s(self, request: IRequest, now: float) -> float | None:
        """None: *request* may come, and counts. Else the seconds until the like of it may, and it does not count."""
        for number, (rule, key, buckets) in enumerate(self._rules):
            wait_s = buckets.take(key(request), now)
            if wait_s:
                self._limited[rule.name] += 1
                for _, earlier_key, earlier in self._rules[:number]:
                    earlier.give_back(earlier_key(request))
                return wait_s
        return None


def key_of(by: str, trusted: Sequence[Network]) -> KeyOf:
    """What a rule counts by; see :class:`RateRule`."""
    if by == "all":
        return _everybody
    true = true_client(trusted)

    def client(request: IRequest) -> object:
        return client_network(true(request))

    if by == "client":
        return client
    name = by.removeprefix(HEADER).lower().encode("ascii")

    def value(request: IRequest) -> object:
        found = request.header(name)
        # Hashed, so that long values take no room. Without the field it is the client that counts: a field left out
        # must be no way around, nor put all who lack it into one bucket.
        return client(request) if found is None else hash(found)

    return value


def _everybody(request: IRequest) -> object:
    return None
