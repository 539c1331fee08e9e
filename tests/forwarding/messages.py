"""Messages that the tests of exchanges send, and what they look for in those that come."""

GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n"
CHUNKED_POST = b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def statuses(received: bytes) -> list[int]:
    """The status codes in what a client received; its contents must not look like status lines."""
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def content(received: bytes) -> bytes:
    """What follows the first head."""
    return received.partition(b"\r\n\r\n")[2]


def head(received: bytes) -> bytes:
    """The first head."""
    return received.partition(b"\r\n\r\n")[0]
