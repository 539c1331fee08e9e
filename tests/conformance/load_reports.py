"""Load reports are for one hop: consumed by the gateway, in requests and responses."""

from .case import Case
from .phrases import gets, sends

LOAD = "load reports are for one hop"


CASES: list[Case] = [
    *[
        sends(f"{name.decode()} of a request goes", LOAD, name + b": 1", lacks=(name.lower(),))
        for name in (
            b"OpenPrequal-Load",
            b"endpoint-load-metrics",
            b"endpoint-load-metrics-bin",
            b"x-prequal-rif",
            b"x-prequal-latency-us",
        )
    ],
    *[
        gets(f"{name.decode()}: {value.decode()} of a response goes", LOAD, name + b": " + value, lacks=(name.lower(),))
        for name, value in (
            (b"OpenPrequal-Load", b"rif=1, latency=0.001, state=ready"),
            (b"OpenPrequal-Load", b"nonsense"),
            (b"endpoint-load-metrics", b"TEXT cpu_utilization=0.1"),
            (b"X-Prequal-RIF", b"1"),
            (b"x-prequal-latency-us", b"1000"),
        )
    ],
]
