"""Lines into a file or an open descriptor. What was moved away is opened anew, and what has failed is tried again."""

import os
from typing import Final

from openprequal.errors import ConfigurationError

MODE: Final = 0o640
STDOUT: Final = 1


class FileSink:
    """A :class:`~openprequal.access_log.writer.Sink` at the end of a file."""

    def __init__(self, path: str) -> None:
        """:raises ConfigurationError: it can be seen that it cannot be written. Nothing is made yet."""
        self.trouble = ""
        self._path = os.path.abspath(path)  # a daemon may change its directory
        self._fd: int | None = None
        self._torn = False
        self._moved = False
        exists = os.path.exists(self._path)
        reason = ""
        if os.path.isdir(self._path):
            reason = "it is a directory"
        elif exists and not os.access(self._path, os.W_OK):
            reason = "permission denied"
        elif not exists and not os.path.isdir(os.path.dirname(self._path)):
            reason = "there is no such directory"
        elif not exists and not os.access(os.path.dirname(self._path), os.W_OK | os.X_OK):
            reason = "its directory cannot be written"
        if reason:
            raise ConfigurationError(f"{path!r} cannot be written: {reason}", about=("access_log",))

    def write(self, lines: list[str]) -> int:
        left = memoryview(("\n".join(lines) + "\n").encode("ascii"))
        try:
            fd = self._opened()
            if self._torn:
                # Part of a line was left there: let this one not be its end.
                os.write(fd, b"\n")
                self._torn = False
            while left:
                written = os.write(fd, left)
                self._torn = left[written - 1] != 0x0A
                left = left[written:]
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return bytes(left).count(b"\n")
        return 0

    def reopen(self) -> None:
        self._moved = True

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _opened(self) -> int:
        if self._fd is not None and (self._moved or not self._is_there(self._fd)):
            self.close()
        if self._fd is None:
            self._moved = False
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY, MODE)
            self._torn = False
        return self._fd

    def _is_there(self, fd: int) -> bool:
        """Whether the file at the path is still the one that is open."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(fd))
        except OSError:
            return False


class DescriptorSink(FileSink):
    """A :class:`~openprequal.access_log.writer.Sink` at a descriptor that the process has been given."""

    def __init__(self, fd: int) -> None:
        self.trouble = ""
        self._given = fd
        self._torn = False

    def reopen(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """It is not ours to close."""

    def _opened(self) -> int:
        return self._given
