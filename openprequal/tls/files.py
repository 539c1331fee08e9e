"""What was made from files, made again when they change; if that cannot be, what was there stays."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Generic, TypeVar

from twisted.logger import Logger

from openprequal.errors import ConfigurationError
from openprequal.tls.certificates import certificate_files

LOOK_S: Final = 3.0
"""Seconds between two looks at the directory entries; the files are read only when those have changed."""

R = TypeVar("R")
T = TypeVar("T")

Stamps = Mapping[str, tuple[int, int, int] | None]
"""What is known of each file without reading it; None: it is not there."""


class FromFiles(Generic[R, T]):
    """What *make* made of the files that some rules name.

    :ivar rules: those it was made by.
    :ivar current: what it made.
    """

    log = Logger()

    def __init__(self, what: str, rules: R, make: Callable[[R], T], paths: Callable[[R], Iterable[str]]) -> None:
        """
        :param what: is in the files; for the log.
        :param make: raises :exc:`~openprequal.errors.ConfigurationError` if it cannot.
        :param paths: of the files that rules name, see ``certificates``.
        :raises ConfigurationError: something in the files cannot be used.
        """
        self._what = what
        self._make = make
        self._paths = paths
        self.rules: R
        self.current: T
        self._seen: Stamps
        self.prepare(rules)()

    def prepare(self, rules: R) -> Callable[[], None]:
        """Read the files of *rules*.

        :return: what puts it in the place of what is there.
        :raises ConfigurationError: it cannot be used.
        """
        # Looked at before they are read: what changes meanwhile is noticed afterwards.
        seen, made = stamps(self._paths(rules)), self._make(rules)

        def put_in_place() -> None:
            self.rules, self.current, self._seen = rules, made, seen

        return put_in_place

    def look_again(self) -> bool:
        """Called from time to time: read files that have changed; if what is in them is no good, say so once.

        :return: True if there is something else now.
        """
        now = stamps(self._paths(self.rules))
        if now == self._seen:
            return False
        self._seen = now
        try:
            put_in_place = self.prepare(self.rules)
        except ConfigurationError as error:
            self.log.error(
                "{what} changed, but cannot be used, what was there stays: {reason}", what=self._what, reason=error
            )
            return False
        put_in_place()
        self.log.info("{what} changed, and is used from now on", what=self._what)
        return True


def stamps(paths: Iterable[str]) -> Stamps:
    """How the files that *paths* lead to (see ``certificates``) look from outside."""
    return {file: _stamp(file) for path in paths for file in _files(path)}


def _files(path: str) -> list[str]:
    try:
        return [file for pair in certificate_files(path, "") for file in pair]
    except (ConfigurationError, OSError):
        return [path]


def _stamp(file: str) -> tuple[int, int, int] | None:
    # What a link leads to is what counts: certbot and Kubernetes replace links.
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
