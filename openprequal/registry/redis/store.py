"""What is asked of the script in Redis, and what does it answer?"""

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from openprequal.registry.redis.connection import RedisConnection, Word
from openprequal.registry.redis.script import KEYS, PAGE, SHA


@frozen(order=True)
class View:
    """How far somebody has seen the changes: epochs begin when Redis forgot, versions count the changes of one."""

    epoch: int = 0
    version: int = 0


@frozen
class Changed:
    """One backend that is other than it was."""

    id: str
    document: bytes
    """Empty: it exists no longer."""


@frozen
class Look:
    """What there was to see."""

    view: View
    """How far the changes in it go."""
    anew: bool
    """They are not all that changed, but all that exists, or a page of that."""
    first: bool
    """They are the first page."""
    last: bool
    """There are no more."""
    changes: Sequence[Changed]


class UnreadableAnswer(Exception):
    """Somebody else's script, or no Redis."""


class Store:
    """The script's calls over one prefix; each may fail as :meth:`RedisConnection.ask` does."""

    def __init__(self, prefix: str) -> None:
        self._keys = [f"{prefix}:{key}" for key in KEYS]

    async def look(
        self, connection: RedisConnection, seen: View, cursor: int, anew: bool, renew: Iterable[str]
    ) -> Look:
        """Renew the leases of *renew*, end those that are over, and tell what changed.

        :param seen: how far the caller has seen.
        :param cursor: the version it wants to see more of than.
        :param anew: it is at reading all there is.
        :raises UnreadableAnswer: it is none of ours.
        """
        answer = await self._call(connection, "look", seen, cursor, int(anew), PAGE, *renew)
        try:
            epoch, version, begun_at, is_anew, *rows = answer
            changes = [
                Changed(row_id.decode(), document) for row_id, document in zip(rows[::3], rows[1::3], strict=True)
            ]
            last = len(changes) < PAGE
            reached = int(version) if last else int(rows[-1])
            return Look(View(int(epoch), reached), bool(is_anew), int(begun_at) == 0, last, changes)
        except (ValueError, TypeError, AttributeError) as error:
            raise UnreadableAnswer(str(error)) from error

    async def register(
        self, connection: RedisConnection, seen: View, backend_id: str, document: bytes, most: int
    ) -> tuple[bool, View]:
        """Write it; False if there are *most* already."""
        said, view = self._outcome(await self._call(connection, "register", seen, backend_id, document, most))
        return said == b"taken", view

    async def unregister(
        self, connection: RedisConnection, seen: View, backend_id: str, known: bool
    ) -> tuple[bool, View]:
        """Remove it; False if it was not there.

        :param known: the caller knows it, so whoever would write it back is told not to.
        """
        said, view = self._outcome(await self._call(connection, "unregister", seen, backend_id, int(known)))
        return said == b"gone", view

    async def restore(self, connection: RedisConnection, seen: View, documents: Iterable[tuple[str, bytes]]) -> bool:
        """Write back what was known before Redis forgot; False if somebody did who had seen as much or more."""
        words = [word for pair in documents for word in pair]
        return bool(await self._call(connection, "restore", seen, *words) == b"restored")

    async def _call(self, connection: RedisConnection, asked: str, seen: View, *words: Word) -> Any:
        numbers = (asked, seen.epoch, seen.version)
        return await connection.ask("EVALSHA", SHA, len(self._keys), *self._keys, *numbers, *words)

    @staticmethod
    def _outcome(answer: Any) -> tuple[bytes, View]:
        try:
            said, epoch, version = answer
            return said, View(int(epoch), int(version))
        except (ValueError, TypeError) as error:
            raise UnreadableAnswer(str(error)) from error
