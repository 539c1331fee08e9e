"""Cases that failed once, by what was wrong."""

from tests.fuzz.case import Answer, Case

UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"

REGRESSIONS = {
    "a refused HEAD was answered with content, after its body broke": Case(
        b"HEAD / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n\n"
    ),
    "a refused HEAD was answered with content, over a limit": Case(
        b"HEAD /longer HTTP/1.1\r\nHost: t\r\n\r\n", limits={"request_line_bytes": 20}
    ),
    "a tunnel whose early bytes were over the bound never read again": Case(
        UPGRADE + b"e" * 300,
        (Answer(SWITCHING + b"\r\nhi", cuts=(5, 40)),),
        cuts=tuple(len(UPGRADE) + more for more in range(0, 250, 50)),
        schedule=1,
        limits={"pipelined_bytes": 10},
    ),
    "101 that names no protocol went on with an empty Upgrade": Case(
        UPGRADE, (Answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n"),)
    ),
}
