"""What does a rate limit cost a request? In memory, for few keys and for more than there is room for."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_network
from weakref import WeakValueDictionary

from openprequal.bench.hot_path import REPEATS, microseconds
from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.limiting.rate_limits import RateLimits, RateRule
from openprequal.limiting.token_buckets import MAX_KEYS

CASES: dict[str, tuple[str, float, int, bool]] = {
    "by client, 64 clients": ("client", 1e6, 64, False),
    "by client, as many as there is room for": ("client", 1e6, MAX_KEYS, False),
    "by client, twice as many": ("client", 0.01, 2 * MAX_KEYS, False),
    "by client, behind a trusted proxy": ("client", 1e6, 64, True),
    "by field, 64 values": ("header:x-key", 1e6, 64, False),
    "all, refused": ("all", 1e-3, 1, False),
}
"""What is counted by, the rate, how many clients there are, and whether a trusted proxy tells who they are."""


def work(by: str, per_second: float, clients: int, proxied: bool) -> Callable[[int], None]:
    """What asks a rule about so many requests, of which each is another client's until all have been."""
    rule = RateRule("bench", by, per_second, 1)
    trusted = (ip_network("10.0.0.0/8"),) if proxied else ()
    limits = RateLimits([rule], trusted, limited=Counter(), known=WeakValueDictionary())
    heads = [_head(number, proxied) for number in range(clients)]

    def ask(count: int) -> None:
        wait_s, now = limits.wait_s, time.monotonic
        for number in range(count):
            wait_s(heads[number % clients], now())

    return ask


def _head(number: int, proxied: bool) -> RequestHead:
    address = f"192.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    fields = f"X-Forwarded-For: {address}\r\nX-Key: {number}"
    return parse_request_head(f"GET / HTTP/1.1\r\nHost: a\r\n{fields}".encode(), "10.0.0.1" if proxied else address)


def report(count: int) -> None:
    """Measure and print a line for each case."""
    sys.stdout.write(f"rate limits, µs a request; least of {REPEATS} repeats of {count}\n")
    for name, case in CASES.items():
        sys.stdout.write(f"{name:<42}{microseconds(work(*case), count):6.2f}\n")
        sys.stdout.flush()
