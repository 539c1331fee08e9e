"""Which scenarios are there? Those on which the default parameters were chosen, and are held to."""

from collections.abc import Mapping
from math import inf

from openprequal.simulation.scenario import (
    Antagonists,
    Bursts,
    Failing,
    Joining,
    Restarting,
    Scenario,
    Servers,
    Work,
)

_OTHERS = Antagonists()
_SLOW_16 = Servers(2, cores=2 / 16)
"""The trial model's skew: a job runs at min(1, C / k), and C is 2 / 16."""
_SLOW_2 = Servers(10, cores=1.0)

_ALL = (
    Scenario(
        "antagonists-0.9",
        "20 servers with antagonists, 8 proxies, load 0.9",
        (Servers(20),),
        8,
        0.9,
        antagonists=_OTHERS,
    ),
    Scenario(
        "antagonists-1.1",
        "20 servers with antagonists, 8 proxies, load 1.1",
        (Servers(20),),
        8,
        1.1,
        antagonists=_OTHERS,
    ),
    Scenario(
        "antagonists-4-4", "4 servers with antagonists, 4 proxies, load 0.9", (Servers(4),), 4, 0.9, antagonists=_OTHERS
    ),
    Scenario(
        "antagonists-100-20",
        "100 servers with antagonists, 20 proxies, load 0.95",
        (Servers(100),),
        20,
        0.95,
        antagonists=_OTHERS,
        requests=120_000,
    ),
    Scenario("skew-16", "2 of 16 servers 16 times slower, 8 proxies, load 0.6", (_SLOW_16, Servers(14)), 8, 0.6),
    Scenario("half-slow", "half of 20 servers 2 times slower, 8 proxies, load 0.75", (_SLOW_2, Servers(10)), 8, 0.75),
    Scenario("uniform-4-1", "4 equal servers, 1 proxy, load 0.8", (Servers(4),), 1, 0.8),
    Scenario("uniform-4-8", "4 equal servers, 8 proxies, load 0.8", (Servers(4),), 8, 0.8),
    Scenario("uniform-3-2", "3 equal servers, 2 proxies, load 0.8", (Servers(3),), 2, 0.8),
    Scenario("uniform-20-8", "20 equal servers, 8 proxies, load 0.8", (Servers(20),), 8, 0.8),
    Scenario(
        "slots-64",
        "8 servers of 64 slots and a queue, half of them 2 times slower, 4 proxies, load 0.75",
        (Servers(4, cores=64, speed=0.5, queued=True), Servers(4, cores=64, queued=True)),
        4,
        0.75,
        requests=100_000,
    ),
    Scenario(
        "pure-delay",
        "8 servers that only wait, half of them 2 times longer, 4 proxies",
        (Servers(4, cores=inf, speed=0.5, allotted=2.0), Servers(4, cores=inf, allotted=2.0)),
        4,
        0.75,
    ),
    Scenario(
        "service-1ms",
        "antagonists-0.9 with work of 1 ms",
        (Servers(20),),
        8,
        0.9,
        Work(0.001),
        antagonists=_OTHERS,
        requests=150_000,
    ),
    Scenario("service-1s", "antagonists-0.9 with work of 1 s", (Servers(20),), 8, 0.9, Work(1.0), antagonists=_OTHERS),
    Scenario(
        "fast-failing",
        "1 of 16 servers fails at once for half of the time, 8 proxies, load 0.6; errors count as slowest",
        (Servers(16),),
        8,
        0.6,
        failing=Failing(),
    ),
    Scenario(
        "cold-joiner",
        "an 11th server joins 10 and is 5 times slower for 3 s, 8 proxies, load 0.75",
        (Servers(11),),
        8,
        0.75,
        joining=Joining(),
    ),
    Scenario(
        "rolling-restart",
        "10 servers restart in turn and come back cold, 8 proxies, load 0.6",
        (Servers(10),),
        8,
        0.6,
        restarting=Restarting(),
    ),
    Scenario(
        "bursts",
        "20 equal servers, 8 proxies, load 0.7 with bursts of 2.5 times as much",
        (Servers(20),),
        8,
        0.7,
        bursts=Bursts(),
    ),
    Scenario(
        "heavy-tail",
        "20 equal servers, 8 proxies, load 0.7, log-normal work",
        (Servers(20),),
        8,
        0.7,
        Work(shape="heavy"),
    ),
    Scenario(
        "no-reports",
        "antagonists-0.9, and no server reports",
        (Servers(20, reports=False),),
        8,
        0.9,
        antagonists=_OTHERS,
    ),
    Scenario(
        "half-reports",
        "antagonists-0.9, and half of the servers report",
        (Servers(10, reports=False), Servers(10)),
        8,
        0.9,
        antagonists=_OTHERS,
    ),
    Scenario(
        "inference",
        "6 servers of 8 slots and a queue, speeds 0.6 to 1.4, streams of 2 s, polled every 0.25 s, 4 proxies, load 0.8;"
        " time to the first byte",
        tuple(Servers(2, cores=8, speed=speed, queued=True, streams=True) for speed in (0.6, 1.0, 1.4)),
        4,
        0.8,
        Work(2.0, "exponential"),
        polled_s=0.25,
        requests=8_000,
    ),
)

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
