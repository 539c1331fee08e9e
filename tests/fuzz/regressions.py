"""Cases that failed once, by what was wrong."""

from tests.fuzz.case import Answer, Case

REGRESSIONS = {
    "a refused HEAD was answered with content, after its body broke": Case(
        b"HEAD / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n\n"
    ),
    "a refused HEAD was answered with content, over a limit": Case(
        b"HEAD /longer HTTP/1.1\r\nHost: t\r\n\r\n", limits={"request_line_bytes": 20}
    ),
}

__all__ = ["REGRESSIONS", "Answer"]
