"""What does ``openprequal top`` show, as lines of a screen of some size?"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

from attrs import define, frozen

from openprequal.cli.columns import number, printable, seconds, share, table
from openprequal.cli.picture import Picture, key_of, picks_since, service_lines, shares_of
from openprequal.cli.status import state_of

EVENTS_SHOWN: Final = 5
_FINE: Final = ("up", "standby")


class Look(Enum):
    """How a line is to stand out."""

    PLAIN = "plain"
    HEADING = "heading"
    TROUBLE = "trouble"


Line = tuple[str, Look]


@frozen
class Frame:
    """What is to be seen at one moment."""

    lines: list[Line]
    hidden: int
    """Backends below the last one that is seen."""


@define
class View:
    """What a frame is made of; it is kept from one to the next.

    :ivar trouble: why the gateway does not answer now; None: it does.
    :ivar first: how many backends have been scrolled past.
    """

    url: str
    now: Picture
    before: Picture | None = None
    events: Sequence[dict[str, Any]] = ()
    trouble: str | None = None
    first: int = 0

    def frame(self, height: int | None) -> Frame:
        """It, with as many backends as fit.

        :param height: lines of the screen; None: as many as it takes.
        """
        above = self._above()
        below = self._below()
        columns, *rows = self._backends()
        room = len(rows) if height is None else max(1, height - len(above) - len(below) - 1)
        self.first = max(0, min(self.first, len(rows) - room))
        shown = rows[self.first : self.first + room]
        return Frame([*above, columns, *shown, *below], max(0, len(rows) - self.first - len(shown)))

    def _above(self) -> list[Line]:
        if self.trouble is not None:
            state: Line = (f"{self.trouble}; this is what was so before", Look.TROUBLE)
        elif self.now.not_ready is not None:
            state = (f"{self.url} is not ready: {printable(self.now.not_ready)}", Look.TROUBLE)
        else:
            state = (f"{self.url} is ready", Look.PLAIN)
        header = ("SERVICE", "UP", "REQ/S", "ERRORS/S", "QUEUED", "P50", "P90", "P99")
        lines = service_lines(self.now, self.before)
        rows = [
            (
                each.name,
                f"{each.up}/{each.backends}",
                number(each.requests_per_s),
                number(each.errors_per_s),
                number(each.queued),
                *map(seconds, (each.p50_s, each.p90_s, each.p99_s)),
            )
            for each in lines
        ]
        heading, *services = table(header, rows, right=header[1:])
        looks = [Look.TROUBLE if each.errors_per_s or each.up < each.backends else Look.PLAIN for each in lines]
        return [state, ("", Look.PLAIN), (heading, Look.HEADING), *zip(services, looks, strict=True), ("", Look.PLAIN)]

    def _backends(self) -> list[Line]:
        picks = picks_since(self.now, self.before)
        shares = shares_of(picks)
        elapsed = self.now.at - self.before.at if self.before is not None else None
        # The service is told only where there are several: there is little room.
        several = len({row["service"] for row in self.now.rows}) > 1
        header = ("BACKEND", "STATE", "REQ/S", "SHARE", "IN FLIGHT", "RIF", "LATENCY", "REPORTED", "")
        rows = [
            (
                f"{row['service']}  {row['url']}" if several else row["url"],
                state_of(row),
                number(picks[key_of(row)] / elapsed if elapsed else None),
                share(shares[key_of(row)]),
                number(row["in_flight"]),
                number(row["rif"]),
                seconds(row["average_latency"]),
                seconds(row["latency"]),
                "" if row["up"] else row["reason"],
            )
            for row in self.now.rows
        ]
        heading, *lines = table(header, rows, right=header[2:8])
        looks = [Look.PLAIN if row["condition"] in _FINE else Look.TROUBLE for row in self.now.rows]
        return [(heading, Look.HEADING), *zip(lines, looks, strict=True)]

    def _below(self) -> list[Line]:
        told = [_told(event) for event in self.events[-EVENTS_SHOWN:]]
        return (
            [("", Look.PLAIN), ("LATELY (UTC)", Look.HEADING), *((line, Look.PLAIN) for line in told)] if told else []
        )


def _told(event: dict[str, Any]) -> str:
    """*event* in a line."""
    about = event["backend"] or event["service"] or ""
    text = f"{str(event['at'])[11:19]}  {event['kind']:<9}  {about}  {event['message']}"
    return printable(text)
