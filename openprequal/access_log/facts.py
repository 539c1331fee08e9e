"""What can be said of a request? One method a field: its name is the field's, its docstring what the field means."""

from collections.abc import Callable, Mapping
from typing import Final

from openprequal.access_log.escaping import Text
from openprequal.access_log.stamps import Stamps
from openprequal.forwarding.exchange import CLIENT_CLOSED
from openprequal.forwarding.journey import Journey
from openprequal.http1.request import RequestHead
from openprequal.values import Ending

COMPLETE: Final = "complete"
CLIENT_GONE: Final = "client_gone"

Fact = Text | int


class Facts:
    """Says them of journeys that are over. Durations are in microseconds; what there is not is None."""

    def __init__(self, stamps: Stamps, client: Callable[[RequestHead], str], *, query: bool) -> None:
        """
        :param client: tells the address that a request comes from.
        :param query: show the query of targets and referers; it may hold secrets.
        """
        self._stamps = stamps
        self._client = client
        self._query = query

    # ---- the request ------------------------------------------------------------------------------------------------

    def time(self, journey: Journey) -> str:
        """When it was over: RFC 3339, UTC, to the millisecond."""
        return self._stamps.iso(journey.ended_at)

    def common_time(self, journey: Journey) -> str:
        """The same as Apache and nginx write it, to the second."""
        return self._stamps.common(journey.ended_at)

    def client(self, journey: Journey) -> str:
        """Address of the client: the peer's, or the one that trusted proxies tell."""
        return self._client(journey.request)

    def method(self, journey: Journey) -> bytes | None:
        """Its method; none: the request line could not be read."""
        return journey.request.method or None

    def host(self, journey: Journey) -> bytes | None:
        """The authority that was asked for: Host, or that of an absolute target."""
        return journey.request.host

    def target(self, journey: Journey) -> bytes | None:
        """Path and query; of a request line that could not be read, what there is of it."""
        return self._shown(journey.request.target)

    def protocol(self, journey: Journey) -> str | None:
        """`HTTP/1.1` or `HTTP/1.0`; none: the request line could not be read."""
        request = journey.request
        return ("HTTP/1.1" if request.minor else "HTTP/1.0") if request.method else None

    def referer(self, journey: Journey) -> bytes | None:
        """The field of that name."""
        return self._shown(journey.request.header(b"referer"))

    def user_agent(self, journey: Journey) -> bytes | None:
        """The field of that name."""
        return journey.request.header(b"user-agent")

    # ---- what became of it -------------------------------------------------------------------------------------------

    def status(self, journey: Journey) -> int:
        """Sent to the client; 499: the client went before there was one."""
        return journey.status or CLIENT_CLOSED

    def ending(self, journey: Journey) -> str:
        """`complete`; `broken`: the response was begun and could not be completed; `client_gone`."""
        if journey.broken:
            return "broken"
        if journey.status is None:
            return CLIENT_GONE
        attempt = journey.attempt
        if attempt is None or attempt.outcome is None or journey.error is not None:
            return COMPLETE
        # Where a hook has answered in the backend's place, the attempt is cancelled before its response was begun.
        return CLIENT_GONE if attempt.outcome.ending is Ending.CANCELLED and attempt.head_at is not None else COMPLETE

    def error(self, journey: Journey) -> str | None:
        """Why the gateway answered in place of a backend, in the words that the client was told."""
        # Its message may repeat what a client or backend sent, and a broken field may be a credential.
        return journey.error.title if journey.error is not None else None

    def duration_us(self, journey: Journey) -> int:
        """From the request's head to its end."""
        return microseconds(journey.ended_at - journey.began_at)

    def queued_us(self, journey: Journey) -> int:
        """How long it waited for a backend to have room."""
        return microseconds(journey.queued_s)

    def request_bytes(self, journey: Journey) -> int:
        """Of its content, on the way to a backend."""
        return journey.request_bytes

    def response_bytes(self, journey: Journey) -> int:
        """Of the response's content, as handed to the client's connection."""
        return journey.response_bytes

    def request_id(self, journey: Journey) -> bytes | None:
        """`X-Request-Id` as a backend saw it, or as the client brought it."""
        return journey.request_id

    def trace_id(self, journey: Journey) -> Text:
        """Of its trace: the one that the gateway takes part in, or that of the client's `traceparent`."""
        traced: int | None = getattr(journey.trace, "trace_id", None)
        if traced is not None:
            return f"{traced:032x}"
        # version "-" trace-id "-" parent-id "-" trace-flags (W3C Trace Context section 3.2).
        parts = (journey.request.header(b"traceparent") or b"").split(b"-")
        return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None

    # ---- its way -----------------------------------------------------------------------------------------------------

    def route(self, journey: Journey) -> str | None:
        """Name of the route it took."""
        return journey.route

    def service(self, journey: Journey) -> str | None:
        """Name of the service that was to answer it."""
        return journey.service

    def backend(self, journey: Journey) -> str | None:
        """URL of the backend that answered it, or was asked last."""
        return journey.attempt.backend.url if journey.attempt is not None else None

    def pick_reason(self, journey: Journey) -> str | None:
        """Why that backend was picked, as in `openprequal_picks_total`; `session`; `hedge`."""
        return journey.attempt.reason if journey.attempt is not None else None

    def attempts(self, journey: Journey) -> int:
        """How many attempts there were at backends; hedges too."""
        return len(journey.attempts)

    def tried(self, journey: Journey) -> str | None:
        """Where there were several: the URL of each and how it ended, in order, with commas."""
        if len(journey.attempts) < 2:
            return None
        return ", ".join(
            f"{attempt.backend.url} {attempt.outcome.ending if attempt.outcome is not None else '-'}"
            for attempt in journey.attempts
        )

    def outcome(self, journey: Journey) -> str | None:
        """How that attempt ended: `response`, `connect_failed`, `broken`, `timeout`, `cancelled`."""
        outcome = journey.attempt.outcome if journey.attempt is not None else None
        return outcome.ending if outcome is not None else None

    def connect_us(self, journey: Journey) -> int | None:
        """Of that attempt: until the request could be sent; 0 on a connection that was there."""
        attempt = journey.attempt
        if attempt is None or attempt.sent_at is None:
            return None
        return 0 if attempt.reused else microseconds(attempt.sent_at - attempt.began_at)

    def head_us(self, journey: Journey) -> int | None:
        """Of that attempt: from then until the response's head was there."""
        attempt = journey.attempt
        if attempt is None or attempt.sent_at is None or attempt.head_at is None:
            return None
        return microseconds(attempt.head_at - attempt.sent_at)

    def _shown(self, target: bytes | None) -> bytes | None:
        """*target* as far as it may be shown."""
        return target if self._query or target is None else target.partition(b"?")[0]


FIELDS: Final[Mapping[str, str]] = {
    name: " ".join((method.__doc__ or "").split()) for name, method in vars(Facts).items() if not name.startswith("_")
}
"""What each field means, by its name."""


def microseconds(seconds: float) -> int:
    """*seconds* as durations are written: whole numbers cost a third of what decimals do."""
    return int(seconds * 1e6)
