"""More requests than the backends can serve: how many are still served in time, and how soon is it over?"""

import contextlib
import time
from pathlib import Path

from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.fleet import example_backend, running_gateway, until_up
from openprequal.bench.processes import free_ports
from openprequal.bench.traffic import Traffic

DEADLINE_S = 1.0
"""A response that comes later is of no use to its client: it does not count as goodput."""
WORK_S, FLEET = 0.02, 4
CAPACITY_PER_S = FLEET / WORK_S


async def overloaded(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """As many requests as the backends can do, then three times as many, then nearly as many again."""
    load = (f"--work-seconds={WORK_S}", "--cores=1")
    limits = ("--service-max-in-flight=auto", "--queue-timeout-seconds=0.5")
    async with running_gateway(folder, *limits, *flags) as (_, port):
        with contextlib.ExitStack() as stack:
            for each in free_ports(FLEET):
                stack.enter_context(example_backend(folder, port, each, *load))
            await until_up(port, FLEET)
            async with Traffic(port) as traffic:
                times = [time.monotonic()]
                for times_capacity in (1.0, 3.0, 0.8):
                    await traffic.rate(CAPACITY_PER_S * times_capacity, seconds)
                    times.append(time.monotonic())

    def goodput(began: float, ended: float) -> float:
        good = [one for one in traffic.asked if one.status == 200 and one.seconds <= DEADLINE_S]
        return sum(began <= one.ended < ended for one in good) / (ended - began)

    # The first second of each is that of its beginning.
    at_capacity, over = goodput(times[0] + 1, times[1]), goodput(times[1] + 1, times[2])
    after = traffic.between(times[2] + 1, times[3])
    recovered = sum(one.status == 200 and one.seconds <= DEADLINE_S for one in after) / max(1, len(after))
    ratio = over / max(1.0, at_capacity)
    return [
        Figure("good responses a second at capacity", at_capacity, f"near {CAPACITY_PER_S:g}", at_capacity > 0),
        Figure("goodput at three times the capacity, of that", ratio, "above 0.9", ratio > 0.9),
        Figure("share served in time from a second after on", recovered, "above 0.99", recovered > 0.99),
    ]
