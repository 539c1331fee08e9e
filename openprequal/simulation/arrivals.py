"""When do requests come, to which gateway, from whom, and worth how much work? Decided by the seed alone."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from openprequal.simulation.scenario import Scenario

_CLIENTS = [f"198.18.{number // 250}.{number % 250 + 1}" for number in range(1000)]
"""Who sends requests: the rules that hash go by it (addresses for benchmarks, RFC 2544)."""


class Arrival(NamedTuple):
    """One request that comes."""

    wait_s: float
    """Since the one before it."""
    gateway: int
    client: str
    work_s: float


def arrivals(scenario: Scenario, seed: int) -> Iterator[Arrival]:
    """All requests of *scenario*; the first comes at once."""
    rng, clients = Random(f"{seed} arrivals"), Random(f"{seed} clients").random
    mean_rate, at_s, wait_s = scenario.rate, 0.0, 0.0
    for _ in range(scenario.requests):
        gateway = int(rng.random() * scenario.proxies)
        client = _CLIENTS[int(clients() * len(_CLIENTS))]
        yield Arrival(wait_s, gateway, client, scenario.work.draw(rng))
        rate = mean_rate
        if scenario.bursts is not None:
            rate *= scenario.bursts.rate(at_s)
        if scenario.ramp is not None:
            rate *= scenario.ramp.rate(at_s / scenario.seconds)
        wait_s = rng.expovariate(rate)
        at_s += wait_s
