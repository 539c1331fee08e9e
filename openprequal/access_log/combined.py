"""A request in the Combined Log Format of Apache and nginx.

``%h - - [%t] "%r" %>s %b "%{Referer}i" "%{User-agent}i"``: what reads their logs reads these.
"""

from openprequal.access_log.escaping import bare, unspaced
from openprequal.access_log.facts import Facts
from openprequal.access_log.stamps import Stamps
from openprequal.forwarding.exchange import CLIENT_CLOSED
from openprequal.forwarding.journey import Journey


class CombinedLines:
    """Call it for the line of a journey that is over. Of users nothing is known: ``-``."""

    __slots__ = ("_common", "_facts")

    def __init__(self, facts: Facts, stamps: Stamps) -> None:
        self._facts = facts
        self._common = stamps.common

    def __call__(self, journey: Journey) -> str:
        client, line, agent = journey.request.logged or self._asked(journey)
        status = journey.status or CLIENT_CLOSED
        return f'{client} - - [{self._common(journey.ended_at)}] "{line}" {status} {journey.response_bytes} {agent}'

    def _asked(self, journey: Journey) -> tuple[str, str, str]:
        """What is said of the request alone: remembered with its head, as in ``json_lines.py``."""
        facts = self._facts
        method, target, version = facts.method(journey), facts.target(journey), facts.protocol(journey)
        logged = journey.request.logged = (
            unspaced(facts.client(journey)),
            bare(target) if method is None else f"{bare(method)} {bare(target)} {version}",
            f'"{bare(facts.referer(journey))}" "{bare(facts.user_agent(journey))}"',
        )
        return logged
