"""A file that may be replaced while we run: read anew when it has changed; what was good is kept while it is not."""

import os
from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.logger import Logger

from openprequal.errors import ConfigurationError

T = TypeVar("T")


class WatchedFile(Generic[T]):
    """What is in a file.

    :ivar value: what it said when it was last good; another object whenever its bytes were others.
    """

    log = Logger()

    def __init__(self, path: str, parse: Callable[[bytes], T], where: str) -> None:
        """
        :param parse: its meaning; raises ValueError if it has none.
        :param where: the setting that names it, for errors.
        :raises ConfigurationError: it cannot be read, or has no meaning.
        """
        self._path = path
        self._parse = parse
        self._where = where
        self._seen: tuple[int, ...] | None = None
        self._content: bytes | None = None
        self._bad = False
        self.value: T
        self._reread()

    def look(self) -> None:
        """Read it if it has changed; what is wrong with it is logged once."""
        try:
            self._reread()
        except ConfigurationError as error:
            if not self._bad:
                self.log.error("{error}; what was read before still holds", error=error)
            self._bad = True
        else:
            self._bad = False

    def _reread(self) -> None:
        """Read it if it has changed.

        :raises ConfigurationError: it cannot be read, or has no meaning.
        """
        try:
            status = os.stat(self._path)
            seen = status.st_mtime_ns, status.st_size, status.st_ino
            if seen == self._seen:
                return
            with open(self._path, "rb") as file:
                content = file.read()
        except OSError as error:
            raise ConfigurationError(f"{self._where}: {self._path!r} cannot be read: {error.strerror}") from None
        if content != self._content:
            try:
                self.value = self._parse(content)
            except ValueError as error:
                raise ConfigurationError(f"{self._where}: {self._path!r}: {error}") from None
        self._seen, self._content = seen, content
