"""What does finding a request's route cost, and how does that grow with the routes? In memory, nothing remembered."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from openprequal.bench.hot_path import REPEATS, microseconds
from openprequal.config.routes import RouteSettings
from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.route_table import route_table
from openprequal.routing.normal_path import normal_path
from openprequal.routing.table import RouteTable

HOSTS: Final = 50


def routes(count: int) -> list[RouteSettings]:
    """As a gateway before many small services has them: some hosts, prefixes, a variable here and there, methods."""
    made = []
    for number in range(count):
        path = {"path_pattern": f"/api/v{number}/{{id}}/x"} if number % 10 == 9 else {"path_prefix": f"/api/v{number}"}
        methods = {"methods": ("GET", "POST")} if number % 4 == 3 else {}
        host = f"*.h{number % HOSTS}.example" if number % 3 == 2 else f"h{number % HOSTS}.example"
        made.append(RouteSettings(name=f"r{number}", hosts=(host,), **path, **methods))  # type: ignore[arg-type]
    return made


def request_for(number: int) -> RequestHead:
    """One that the route of that number takes."""
    host = f"a.h{number % HOSTS}.example" if number % 3 == 2 else f"h{number % HOSTS}.example"
    return parse_request_head(f"GET /api/v{number}/17/x?y=z HTTP/1.1\r\nHost: {host}:8000".encode(), "192.0.2.1")


def searching(table: RouteTable[str], request: RequestHead) -> Callable[[int], None]:
    """What looks for the route of *request* so many times."""

    def search(count: int) -> None:
        for _ in range(count):
            path = normal_path(request.path)
            assert path is not None
            table.find(request, path)

    return search


def report(sizes: Sequence[int], count: int) -> None:
    """Measure and print a line for each number of routes."""
    sys.stdout.write(f"least of {REPEATS} repeats of {count}; µs of CPU time a request\n")
    sys.stdout.write(f"{'routes':>8}{'made in ms':>12}{'first':>8}{'middle':>8}{'last':>8}{'none':>8}\n")
    for size in sizes:
        settings = routes(size)
        began = time.process_time()
        table = route_table(settings, lambda route: route.name)
        made_ms = (time.process_time() - began) * 1e3
        asked = [request_for(0), request_for(size // 2), request_for(size - 1), request_for(size + 1)]
        searches = [microseconds(searching(table, request), count, time.process_time) for request in asked]
        cells = "".join(f"{each:>8.2f}" for each in searches)
        sys.stdout.write(f"{size:>8,}{made_ms:>12.1f}{cells}\n")
        sys.stdout.flush()
