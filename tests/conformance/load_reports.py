"""Load reports are for one hop: consumed by the gateway, in requests and responses."""

from .case import HOST, Case, answered, message, passed

LINE = b"GET / HTTP/1.1"
LOAD = "load reports are for one hop"
REPLY = b"HTTP/1.1 200 OK"
LENGTH = b"Content-Length: 2"


def sends(name: str, section: str, *lines: bytes, **look: object) -> Case:
    """A GET with these lines; the backend sees it like this."""
    return passed(f"duty: {name}", section, message(LINE, HOST, *lines), LINE, **look)  # type: ignore[arg-type]


def gets(name: str, section: str, *lines: bytes, **look: object) -> Case:
    """A response with these lines; the client sees it like this."""
    return answered(f"duty: {name}", section, message(REPLY, *lines, LENGTH, body=b"ok"), **{"body": b"ok", **look})  # type: ignore[arg-type]


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
