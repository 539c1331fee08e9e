"""What does the access log cost a request? In memory: its journey, its line, and handing that to the thread."""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Final

from openprequal.access_log.formats import format_of
from openprequal.access_log.log import AccessLog
from openprequal.access_log.outlets import Outlets
from openprequal.access_log.stamps import Stamps
from openprequal.bench.hot_path import HotPath
from openprequal.forwarding.accompanied import accompanied
from openprequal.forwarding.downstream import ProxyExchange
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.journey import Journey, Witness
from openprequal.forwarding.recorded_exchange import RecordedExchange
from openprequal.forwarding.route import Route

TEMPLATE: Final = '{client} "{method} {target}" {status} {backend} {duration_us} {request_id}'
BACKENDS: Final = 16
ROUNDS: Final = 100


class _Silent:
    """Is told, and does nothing: what the journey alone costs."""

    def began(self, journey: Journey) -> None: ...
    def ended(self, journey: Journey) -> None: ...


def report(count: int) -> None:
    """Measure and print a line for each format."""
    with tempfile.TemporaryDirectory() as folder:
        outlets = Outlets(time.monotonic)

        def log(form: str) -> Sequence[Witness]:
            line = format_of(form, Stamps(time.monotonic, time.time), attrgetter("client"), query=True)
            writer = outlets.writer(str(Path(folder) / str(hash(form))))
            return (AccessLog(writer, line, Random(1).random, share=1.0, slow_s=None),)

        cases: dict[str, Sequence[Witness]] = {"no access log": (), "journey alone": (_Silent(),)}
        cases |= {
            name: log(form) for name, form in (("combined", "combined"), ("json", "json"), ("template", TEMPLATE))
        }
        paths = {name: HotPath("prequal", BACKENDS, exchanges=_witnessed(each)) for name, each in cases.items()}
        least = _least({name: path.requests for name, path in paths.items()}, count)
        outlets.close()
    sys.stdout.write(f"access log, µs of CPU a request; least of {ROUNDS} interleaved rounds of {count}\n")
    for name, each in least.items():
        sys.stdout.write(f"{name:<16}{each:8.2f}{each - least['no access log']:8.2f}\n")


def _witnessed(witnesses: Sequence[Witness]) -> Callable[[Route], ProxyExchange]:
    kind = RecordedExchange if witnesses else Exchange
    return lambda route: accompanied(partial(kind, route), witnesses, time.monotonic)


def _least(works: dict[str, Callable[[int], None]], count: int) -> dict[str, float]:
    """Of each, the least CPU time of one; in turns, so that what else the machine does falls on all alike."""
    least = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            began_s = time.process_time()
            work(count)
            least[name] = min(least[name], (time.process_time() - began_s) / count * 1e6)
    return least
