"""A request as a JSON object on one line (RFC 8259): all fields of ``facts.py`` but ``common_time``, in its order.

Written out by hand, because every request pays for it. What depends on the request's bytes alone is remembered with its
head, since a client that asks again sends the same; what depends on its way, by what that is.
"""

from functools import lru_cache
from typing import Final

from openprequal.access_log.escaping import quoted, quoted_once
from openprequal.access_log.facts import Facts
from openprequal.access_log.stamps import Stamps
from openprequal.forwarding.exchange import CLIENT_CLOSED
from openprequal.forwarding.journey import Journey
from openprequal.values import Ending

_RESPONSE: Final = Ending.RESPONSE
_ALL_WELL: Final = '"complete","error":null'
_ONCE: Final = '1,"tried":null'


class JsonLines:
    """Call it for the line of a journey that is over."""

    __slots__ = ("_facts", "_iso")

    def __init__(self, facts: Facts, stamps: Stamps) -> None:
        self._facts = facts
        self._iso = stamps.iso

    def __call__(self, journey: Journey) -> str:
        request = journey.request
        asked, trace_id = request.logged or self._asked(journey)
        if journey.trace is not None:
            trace_id = quoted(self._facts.trace_id(journey))
        attempt, ended_at = journey.attempt, journey.ended_at
        request_id = "null" if journey.request_id is None else quoted_once(journey.request_id)
        if (
            attempt is None
            or attempt.outcome is None
            or attempt.outcome.ending is not _RESPONSE
            or attempt.sent_at is None
            or attempt.head_at is None
            or journey.error is not None
            or journey.broken
        ):
            ended, way, spent = self._otherwise(journey)
        else:
            ended = _ALL_WELL
            way = _way(journey.route, journey.service, attempt.backend.url, attempt.reason)
            connect_us = 0 if attempt.reused else int((attempt.sent_at - attempt.began_at) * 1e6)
            spent = f'"response","connect_us":{connect_us},"head_us":{int((attempt.head_at - attempt.sent_at) * 1e6)}'
        return (
            f'{{"time":"{self._iso(ended_at)}",{asked},"status":{journey.status or CLIENT_CLOSED},"ending":{ended},'
            f'"duration_us":{int((ended_at - journey.began_at) * 1e6)},"queued_us":{int(journey.queued_s * 1e6)},'
            f'"request_bytes":{journey.request_bytes},"response_bytes":{journey.response_bytes},'
            f'"request_id":{request_id},"trace_id":{trace_id},'
            f'{way},"attempts":{_ONCE if len(journey.attempts) == 1 else self._attempts(journey)},"outcome":{spent}}}'
        )

    def _asked(self, journey: Journey) -> tuple[str, str]:
        """What is said of the request, and of the trace that its client takes part in."""
        facts = self._facts
        texts = {
            "client": facts.client(journey),
            "method": facts.method(journey),
            "host": facts.host(journey),
            "target": facts.target(journey),
            "protocol": facts.protocol(journey),
            "referer": facts.referer(journey),
            "user_agent": facts.user_agent(journey),
        }
        asked = ",".join(f'"{name}":{quoted(text)}' for name, text in texts.items())
        logged = asked, quoted(facts.trace_id(journey))
        if journey.trace is None:
            journey.request.logged = logged
        return logged

    def _otherwise(self, journey: Journey) -> tuple[str, str, str]:
        """Ending, way, outcome and times of one that no backend answered to its end."""
        facts = self._facts
        connect_us, head_us = _number(facts.connect_us(journey)), _number(facts.head_us(journey))
        return (
            f'"{facts.ending(journey)}","error":{quoted(facts.error(journey))}',
            _way(journey.route, journey.service, facts.backend(journey), facts.pick_reason(journey)),
            f'{quoted(facts.outcome(journey))},"connect_us":{connect_us},"head_us":{head_us}',
        )

    def _attempts(self, journey: Journey) -> str:
        return f'{len(journey.attempts)},"tried":{quoted(self._facts.tried(journey))}'


@lru_cache(1024)
def _way(route: str | None, service: str | None, backend: str | None, reason: str | None) -> str:
    texts = {"route": route, "service": service, "backend": backend, "pick_reason": reason}
    return ",".join(f'"{name}":{quoted(text)}' for name, text in texts.items())


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)
