"""An exchange that is counted as the service's load, and whose response tells that load."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from openprequal.agent.load import LoadTracker
from openprequal.agent.report_format import report_fields
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.route import Route
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead
from openprequal.http1.response import ResponseHead

_EVENT_STREAM: Final = b"text/event-stream"


@frozen
class Counting:
    """What all counted exchanges share."""

    route: Route
    tracker: LoadTracker
    report_formats: Sequence[str]


class CountedExchange(Exchange):
    """In flight from its head to its settle, a tunnel to its end (PREQUAL.md section 5); cancelled or not, once."""

    __slots__ = ("_counting", "_in_flight")

    def __init__(self, counting: Counting, client: Downstream, request: RequestHead) -> None:
        super().__init__(counting.route, client, request)
        self._counting = counting
        self._in_flight = counting.tracker.begin()

    def _respond(self, head: ResponseHead, section: FieldSection, chunk: bytes, ended: bool) -> None:
        in_flight = self._in_flight
        in_flight.head(sample=not _is_event_stream(head))
        told = [Field(*field) for field in report_fields(in_flight.report(), self._counting.report_formats)]
        super()._respond(head, section.plus(*told), chunk, ended)

    def response_switched(self, head: ResponseHead, data: bytes) -> None:
        """101: its head says nothing about the load."""
        self._in_flight.head(sample=False)
        super().response_switched(head, data)

    def _settle(self, status: int, now: float | None = None) -> None:
        # First, because settling may begin the connection's next request, which must not count this one.
        self._in_flight.end()
        super()._settle(status, now)


def _is_event_stream(head: ResponseHead) -> bool:
    return any(field.key == b"content-type" and field.value.startswith(_EVENT_STREAM) for field in head.fields)
