"""What is believed of a name now? The last good answer, until it is certain that there is another."""

from collections.abc import Sequence
from typing import Any, Final

from attrs import define, frozen
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.names import dns
from twisted.names.error import DNSNameError
from twisted.python.failure import Failure

from openprequal.registry.name_servers import NameServers

Key = tuple[str, int]
_KINDS: Final = {dns.A: "A", dns.AAAA: "AAAA", dns.SRV: "SRV"}


@frozen
class Answer:
    """What is believed."""

    records: tuple[Any, ...] = ()
    """Payloads, like :class:`twisted.names.dns.Record_A`."""
    ttl_s: float | None = None
    """How long that may be believed; None: it should be asked again soon, or does not matter."""
    uncertain: bool = False
    """The name servers say something else, or nothing."""


@define
class _Known:
    """What was answered last, of one name and kind."""

    records: tuple[Any, ...] = ()
    missing: int = 0
    """How often in a row there was nothing."""
    trouble: str | None = None


class DnsAnswers:
    """Asks, and remembers what good answers there were.

    An answer that fails changes nothing; that there is nothing any more is believed when it has been said several
    times in a row, because a zone that is being reloaded says it too.
    """

    log = Logger()

    def __init__(self, servers: NameServers, missing_times: int) -> None:
        """:param missing_times: how often in a row there must be nothing for it to be believed."""
        self._servers = servers
        self._missing_times = missing_times
        self._known: dict[Key, _Known] = {}

    async def ask(self, name: str, *kinds: int) -> list[Answer]:
        """What is believed of *name*, for each of *kinds*; never raises."""
        results = await self._searched(name, kinds)
        return [
            self._learned((name, kind), self._known.setdefault((name, kind), _Known()), result)
            for kind, result in zip(kinds, results, strict=True)
        ]

    async def _searched(self, name: str, kinds: Sequence[int]) -> list[Any]:
        """For each kind records, or what went wrong; all of the first full name that has any."""
        results: list[Any] = [() for _ in kinds]
        for full in self._servers.candidates(name):
            results = await gatherResults([self._records(full, kind) for kind in kinds])
            if any(results):
                break
        return results

    def _records(self, full: str, kind: int) -> "Deferred[Any]":
        """Records, none, or (as a result) what went wrong."""
        return self._servers.query(full, kind).addCallbacks(tuple, _nothing_or_failure)

    def _learned(self, key: Key, known: _Known, result: Any) -> Answer:
        if isinstance(result, Exception):
            self._trouble(key, known, f"cannot be resolved: {type(result).__name__}")
            return Answer(known.records, uncertain=True)
        if result:
            known.missing = 0
            known.records = tuple(record.payload for record in result)
            self._trouble(key, known, None)
            return Answer(known.records, min(record.ttl for record in result))
        known.missing += 1
        if known.records and known.missing < self._missing_times:
            self._trouble(key, known, "has no records any more, which is not believed yet")
            return Answer(known.records, uncertain=True)
        if known.records:
            known.records = ()
            self._trouble(key, known, "has no records any more")
        return Answer()

    def _trouble(self, key: Key, known: _Known, why: str | None) -> None:
        """Log what has changed; None: all is well."""
        if why != known.trouble:
            name, kind = key
            self.log.warn("{name} ({kind}) {why}", name=name, kind=_KINDS[kind], why=why or "is resolved again")
        known.trouble = why


def _nothing_or_failure(failure: Failure) -> tuple[Any, ...] | Exception:
    """What is no failure any more, so that it can stand beside what did not fail."""
    if failure.check(DNSNameError):
        return ()
    assert isinstance(failure.value, Exception)
    return failure.value
