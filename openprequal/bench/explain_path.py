"""What does it cost to remember requests, to explain one to its client, and to ask a shadow balancer beside?"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from openprequal.bench.hot_path import HotPath, microseconds
from openprequal.explaining.recent import Recent
from openprequal.explaining.recording import ON_DEMAND
from openprequal.forwarding.accompanied import accompanied
from openprequal.forwarding.downstream import ProxyExchange
from openprequal.forwarding.explained_exchange import ExplainedExchange
from openprequal.forwarding.recorded_exchange import RecordedExchange
from openprequal.forwarding.route import Route
from openprequal.forwarding.told_why import telling

_ROUNDS: Final = 3


def _remembered(route: Route) -> ProxyExchange:
    recent = Recent(time.monotonic, time.time, ON_DEMAND)
    return accompanied(partial(RecordedExchange, route), [recent], time.monotonic)


def _explained(route: Route) -> ProxyExchange:
    recent = Recent(time.monotonic, time.time, ON_DEMAND)
    make = telling(partial(ExplainedExchange, route), lambda service: "")
    return accompanied(make, [recent], time.monotonic)


CASES: Final[dict[str, Callable[[str, int], HotPath]]] = {
    "as it is": HotPath,
    "remembered": partial(HotPath, exchanges=_remembered),
    "explained": partial(HotPath, exchanges=_explained),
    "shadow round_robin": partial(HotPath, shadow="round_robin"),
    "shadow prequal": partial(HotPath, shadow="prequal"),
}


def report(balancer: str, backends: int, count: int) -> None:
    """Measure in turns and print a line for each, with the difference to the first. Processor time."""
    sys.stdout.write(f"{balancer}, {backends} backends; least of {_ROUNDS} rounds of repeats of {count} requests\n")
    least: dict[str, float] = {}
    for _ in range(_ROUNDS):
        for name, make in CASES.items():
            took = microseconds(make(balancer, backends).requests, count, time.process_time)
            least[name] = min(took, least.get(name, took))
    for name, took in least.items():
        sys.stdout.write(f"{name:<20}{took:>8.2f} µs{took - least['as it is']:>+8.2f} µs\n")
    sys.stdout.flush()
