"""What is shown of each backend, and of which of them is it news?"""

from collections.abc import Collection, Iterable
from operator import attrgetter, itemgetter
from typing import Any, Final

from openprequal.admin.backend_rows import load_row, standing_row
from openprequal.dashboard.json_text import json_text, short
from openprequal.health.standing import Standing
from openprequal.routing.member import Member
from openprequal.values import Backend

WHO: Final = (
    *("url", "service", "weight", "priority", "zone", "heartbeat_seconds"),
    *("up", "condition", "reason", "ejections"),
)
"""Of ``/backends``, what changes seldom. With it come ``since``, a moment, and ``drained_by_hand``."""
LOAD: Final = ("in_flight", "picks", "average_latency", "rif", "latency", "state", "load_source", "reported_at")
"""What changes all the time, in this order behind a backend's number; the last is a moment."""

_STANDING_OF: Final = attrgetter(*Standing.__slots__)
_LOAD_OF: Final = itemgetter(*LOAD[:-1])


class _Shown:
    """One backend as it was shown last, as text."""

    __slots__ = ("load", "load_text", "made_of", "number", "who", "who_text")

    def __init__(self, number: int) -> None:
        self.number = number
        self.made_of: object = None
        """What its standing was made of; to look at that takes less time than to make it again."""
        self.who: object = None
        self.who_text = ""
        self.load: object = None
        self.load_text = ""


class BackendsShown:
    """Remembers what was shown, so that only what has changed is told again.

    :ivar who: news since the last :meth:`begin`: members of a JSON object, by the backend's number.
    :ivar load: the same of what changes all the time: elements of a JSON array.
    """

    def __init__(self) -> None:
        self.who: list[str] = []
        self.load: list[str] = []
        self._shown: dict[str, _Shown] = {}
        self._numbers = 0

    def begin(self) -> None:
        """What is news begins here."""
        self.who, self.load = [], []

    def look_at(self, member: Member, standing: Standing | None, estimate: Any, now: float) -> None:
        """Tell of *member* what is news.

        :param estimate: what its balancer believes of it, if anything.
        """
        backend = member.backend
        shown = self._shown.get(backend.id)
        if shown is None:
            self._numbers += 1
            shown = self._shown[backend.id] = _Shown(self._numbers)
        made_of = (backend, *_STANDING_OF(standing)) if standing is not None else backend
        if made_of != shown.made_of:
            shown.made_of = made_of
            self._stand(shown, backend, standing, now)
        # The age of a report goes on by itself where it is shown; that there is another one is to be told even where
        # it says the same.
        load = (*_LOAD_OF(load_row(member, estimate, now)), member.reported_at)
        if load != shown.load:
            shown.load = load
            at = round(member.reported_at, 2) if member.report is not None else None
            shown.load_text = json_text([shown.number, *map(short, load[:-1]), at])
            self.load.append(shown.load_text)

    def forget(self, seen: Collection[str]) -> list[int]:
        """The numbers of those that are gone: their ids are not among *seen*."""
        return [self._shown.pop(key).number for key in self._shown.keys() - seen]

    def number_of(self, backend_id: str | None) -> int | None:
        """The number that a backend is shown by; None: it is not."""
        shown = self._shown.get(backend_id) if backend_id is not None else None
        return shown.number if shown is not None else None

    def all(self) -> tuple[Iterable[str], Iterable[str]]:
        """As :attr:`who` and :attr:`load`, what was shown last of all."""
        shown = self._shown.values()
        return [each.who_text for each in shown], [each.load_text for each in shown]

    def _stand(self, shown: _Shown, backend: Backend, standing: Standing | None, now: float) -> None:
        row = standing_row(backend, standing, now)
        who: dict[str, object] = {name: row[name] for name in WHO}
        who["drained_by_hand"] = standing is not None and standing.orders.drained_by is not None
        if who != shown.who:
            shown.who = who
            since = round(standing.since if standing is not None else now, 2)
            shown.who_text = f'"{shown.number}":{json_text({**who, "since": since})}'
            self.who.append(shown.who_text)
