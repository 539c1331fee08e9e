"""Somebody who looks at the dashboard of a gateway in memory: what its stream has told so far."""

import json
from typing import Any

from whole_gateway import WholeGateway

from openprequal.http1.body import body_decoder
from openprequal.http1.framing import CHUNKED

Event = tuple[str, Any]


def events_in(text: bytes) -> list[Event]:
    """The whole events of a stream, as (name, data)."""
    found = []
    for block in text.split(b"\n\n")[:-1]:
        lines = dict(line.split(b": ", 1) for line in block.split(b"\n"))
        found.append((lines[b"event"].decode(), json.loads(lines[b"data"])))
    return found


class Watcher:
    """Asks for the stream, and reads it."""

    def __init__(self, gateway: WholeGateway, **asked: Any) -> None:
        self.connection = gateway.get("/_openprequal/stream", **asked)

    @property
    def status(self) -> int:
        return int(self.connection.received[9:12])

    @property
    def events(self) -> list[Event]:
        _, _, body = self.connection.received.partition(b"\r\n\r\n")
        return events_in(body_decoder(CHUNKED).feed(body)[0])

    @property
    def snapshots(self) -> list[Any]:
        return [data for name, data in self.events if name == "snapshot"]

    @property
    def backends(self) -> dict[str, dict[str, Any]]:
        """What is known of each backend by now, by its URL."""
        by_number: dict[str, dict[str, Any]] = {}
        for snapshot in self.snapshots:
            by_number = {} if snapshot["full"] else by_number
            by_number.update(snapshot["who"])
            for number in snapshot["gone"]:
                del by_number[str(number)]
        return {who["url"]: who for who in by_number.values()}
