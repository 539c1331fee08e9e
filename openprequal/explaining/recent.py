"""What happened to the last requests? A witness that remembers them."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from openprequal.explanations import PickExplanation
from openprequal.forwarding.journey import Attempt, Journey


class Recent:
    """The last requests that are over, whoever answered them; a :class:`~openprequal.forwarding.journey.Witness`."""

    def __init__(self, now: Callable[[], float], wall_clock: Callable[[], float], most: int = 0) -> None:
        """
        :param now: monotonic seconds, as journeys have them.
        :param wall_clock: seconds since 1970.
        :param most: so many are remembered.
        """
        self._now = now
        self._wall_clock = wall_clock
        self._ring: deque[Journey] = deque(maxlen=most)

    def remember(self, most: int) -> None:
        """From now on so many; the latest of those there are stay."""
        if most != self._ring.maxlen:
            self._ring = deque(self._ring, maxlen=most)

    def began(self, journey: Journey) -> None:
        """Only what is over is told of."""

    def ended(self, journey: Journey) -> None:
        self._ring.append(journey)

    def rows(self, request_id: str | None = None, trace_id: str | None = None) -> Iterator[dict[str, object]]:
        """What ``GET /_openprequal/explain`` shows of each, the latest first.

        :param request_id: of the only ones wanted.
        :param trace_id: of the only ones wanted.
        """
        since_1970_s = self._wall_clock() - self._now()
        for journey in reversed(self._ring):
            if request_id is not None and _text(journey.request_id) != request_id:
                continue
            if trace_id is not None and trace_id_of(journey) != trace_id:
                continue
            yield _row(journey, since_1970_s)


def trace_id_of(journey: Journey) -> str | None:
    """What its trace is called: the one that it is traced in, or else the one that the client sent it in."""
    told: Any = getattr(journey.trace, "trace_id", None)
    if told is None:
        # version "-" trace-id "-" parent-id "-" trace-flags (W3C Trace Context, section 3.2)
        parts = (journey.request.header(b"traceparent") or b"").strip().split(b"-")
        return parts[1].decode("ascii", "replace") if len(parts) >= 4 and len(parts[1]) == 32 else None
    if isinstance(told, int):
        return f"{told:032x}"
    return _text(told) if isinstance(told, bytes) else str(told)


def _row(journey: Journey, since_1970_s: float) -> dict[str, object]:
    request = journey.request
    at = datetime.fromtimestamp(since_1970_s + journey.began_at, UTC)
    return {
        "request_id": _text(journey.request_id) or None,
        "trace_id": trace_id_of(journey),
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "method": _text(request.method),
        # Without the query, which may hold what is nobody's business.
        "path": _text(request.path),
        "client": request.client,
        "route": journey.route,
        "service": journey.service,
        "status": journey.status,
        "error": None if journey.error is None else str(journey.error),
        "broken": journey.broken,
        "seconds": _after(journey, journey.ended_at),
        "queued_seconds": round(journey.queued_s, 6),
        "attempts": [_attempt_row(journey, attempt) for attempt in journey.attempts],
    }


def _attempt_row(journey: Journey, attempt: Attempt) -> dict[str, object]:
    outcome = attempt.outcome
    return {
        "backend": attempt.backend.url,
        "reason": None if attempt.reason is None else str(attempt.reason),
        "began_seconds": _after(journey, attempt.began_at),
        "reused": attempt.reused,
        "sent_seconds": _after(journey, attempt.sent_at),
        "head_seconds": _after(journey, attempt.head_at),
        "ended_seconds": _after(journey, attempt.ended_at),
        "ending": None if outcome is None else str(outcome.ending),
        "status": None if outcome is None else outcome.status,
        "believed": believed(attempt.explanation, attempt.backend.id),
    }


def believed(explained: PickExplanation | None, backend_id: str) -> dict[str, object] | None:
    """What was believed of the backend when it was picked; None: nobody asked then."""
    if explained is None:
        return None
    of_it = next((each for each in explained.pool if each.id == backend_id), None)
    return {
        "because": explained.because or None,
        "compares": explained.compares or None,
        "rif_threshold": explained.rif_threshold,
        "figure": None if of_it is None else of_it.figure,
        "rif": None if of_it is None else of_it.rif,
        "latency": None if of_it is None else of_it.latency_s,
        "age": None if of_it is None else of_it.age_s,
        "among": sum(each.compared for each in explained.pool),
    }


def _after(journey: Journey, at_s: float | None) -> float | None:
    """Seconds since the request's head was there."""
    return None if at_s is None else round(at_s - journey.began_at, 6)


def _text(octets: bytes | None) -> str:
    return "" if octets is None else octets.decode("ascii", "backslashreplace")
