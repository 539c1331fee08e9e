"""What is the paper's testbed here? 100 clients, 100 servers with antagonists, queries of about 80 ms (section 5).

Known from the paper: the numbers of clients and servers, that a server is allotted a tenth of a machine, the law of
the work, the deadline, 5.6 thousand queries a second at 0.75 of the allotments, and the latencies of Fig. 6 up to load
0.93, which are those of work ~ Normal(80 ms, 80 ms) cut at 0 that nobody has to share a core for. From these follow the
cores of an allotment: 5600 / 0.75 / 100 × 86.7 ms = 6.5.

Not known is what the antagonists leave. :data:`ANTAGONISTS` was chosen so that weighted round robin has Fig. 6's shape
(``docs/simulation.md`` says how well); no other rule was looked at for it.
"""

from collections.abc import Sequence

from openprequal.simulation.run import Rule
from openprequal.simulation.scenario import Antagonists, Scenario, Servers, Work

CLIENTS = 100
SERVERS = 100
CORES = 6.5
DEADLINE_S = 5.0
WORK = Work(0.080, "cut")
ANTAGONISTS = Antagonists(mean_s=300.0, chance=0.7, low=(0.97, 1.55), high=(3.2, 5.0))
WARM_UP_S = 50.0
"""A server that gets a tenth more than it can do needs 50 s until its queries take the 5 s of the deadline."""

EQUAL = (Servers(SERVERS, cores=CORES),)
HALF_SLOW = (Servers(SERVERS // 2, cores=CORES, speed=0.5), Servers(SERVERS // 2, cores=CORES))
"""Half of them take twice as long."""

WEIGHTED_ROUND_ROBIN = Rule(
    "weighted_round_robin", {"poll_interval_seconds": 5.0, "error_penalty": 0.0}, "weighted_round_robin"
)
"""Polled once a second by each of 100 clients, the servers would answer as many polls as queries; their responses tell
each client the same every two seconds anyway. And with the default penalty for errors, which is Envoy's, somewhat fewer
fail than in the paper: 14 instead of 19 % at load 1.74."""


def on_testbed(
    name: str, load: float, *, servers: Sequence[Servers] = EQUAL, warm_up_s: float, counted_s: float
) -> Scenario:
    """The testbed at *load* times the allotments, for so many seconds that do not count and so many that do."""
    seconds = warm_up_s + counted_s
    return Scenario(
        name,
        f"100 servers with antagonists, 100 clients, load {load:.2f}",
        tuple(servers),
        CLIENTS,
        load,
        WORK,
        antagonists=ANTAGONISTS,
        deadline_s=DEADLINE_S,
        warm_up=warm_up_s / seconds,
    ).lasting(seconds)
