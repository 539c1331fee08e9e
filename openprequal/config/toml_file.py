"""What does a TOML file say, in which line does it say it, and which of its lines are no TOML?

``tomllib`` tells no lines but of mistakes. Where a key stands is found with it all the same: lines that are TOML by
themselves are statements, and the statement that says something is the last one of the shortest beginning of the file
that says it. That is slow, and done for mistakes only.
"""

import re
import tomllib
from bisect import bisect_left
from pathlib import Path
from typing import Any

from openprequal.errors import ConfigurationError, KeyPath, dotted

_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
_KEY = re.compile(r"\s*(\[*\s*)?([^=\]#]+)")
_SEVERAL = 50
"""Mistakes after which it is taken for no TOML file at all."""


class TomlFile:
    """A file as it was read.

    :ivar document: all that could be read of it.
    :ivar mistakes: what is no TOML, by its line.
    :ivar whole: only keys that were set twice are missing from the document.
    """

    def __init__(self, name: str) -> None:
        """:raises ConfigurationError: it cannot be read, or is no text."""
        self.name = name
        self.document: dict[str, Any] = {}
        self.mistakes: list[tuple[int, str]] = []
        self.whole = True
        self._ends: list[int] = []
        self._found: dict[KeyPath, int] = {}
        try:
            text = Path(name).read_text("utf-8")
        except OSError as error:
            raise ConfigurationError(f"{name}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{name}: is not TOML: {error}") from None
        # As tomllib has it: lines end with a line feed.
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._read()

    def place(self, path: KeyPath) -> str:
        """Where *path* is said, for people: file, line, and keys."""
        line, keys = self.line_of(path), dotted(_named(self.document, path))
        return f"{self.name}:{line}: {keys}" if line else f"{self.name}: {keys}"

    def line_of(self, path: KeyPath) -> int | None:
        """The line, from 1, in which the statement begins that says *path*, or as much of it as is said."""
        path = followed(self.document, path)
        if not path:
            return None
        if path not in self._found:
            self._found[path] = self._begin_of(path)
        return self._found[path]

    def _begin_of(self, path: KeyPath) -> int:
        self._ends = self._ends or self._ends_before(len(self._lines) + 1)
        number = bisect_left(self._ends, True, key=lambda end: followed(_parsed(self._lines[:end]), path) == path)
        return self._ends[number - 1] + 1 if number else 1

    def _ends_before(self, line: int) -> list[int]:
        """The lines before *line* in which statements end, as far as they are TOML by themselves."""
        ends: list[int] = []
        for number in range(1, line):
            if isinstance(_parsed(self._lines[ends[-1] if ends else 0 : number]), dict):
                ends.append(number)
        return ends

    def _read(self) -> None:
        """Read what can be read: leave out the statements that are no TOML, and what may only follow from them."""
        broken_until = -1
        while isinstance(parsed := _parsed(self._lines), tomllib.TOMLDecodeError):
            reason, line, column = self._told(parsed)
            end = line or len(self._lines)
            begin = [0, *self._ends_before(end)][-1] + 1
            twice = "overwrite" in reason or "twice" in reason
            table = self._lines[begin - 1].lstrip().startswith("[")
            follows = begin == broken_until + 1
            if not follows:
                self._note(reason, begin if twice or not line else line, column, twice)
            if twice:
                self._leave_out(begin, self._end_of_table(begin) if table else end)
            elif table or follows or begin < end or len(self.mistakes) >= _SEVERAL:
                # What comes then belongs to something else than it seems.
                self._lines = self._lines[: begin - 1]
                self.whole = False
            else:
                self._leave_out(begin, end)
                self.whole = False
                broken_until = end
        self.document = parsed

    def _leave_out(self, begin: int, end: int) -> None:
        self._lines[begin - 1 : end] = [""] * (end - begin + 1)

    def _end_of_table(self, begin: int) -> int:
        """Its last line, if it begins at *begin*."""
        ends = (number for number in range(begin, len(self._lines)) if self._lines[number].lstrip().startswith("["))
        return next(ends, len(self._lines))

    @staticmethod
    def _told(error: tomllib.TOMLDecodeError) -> tuple[str, int, int]:
        """The reason, and in which line and column; line 0: something is not ended."""
        found = _PLACE.match(str(error))
        if found is None:
            return str(error), 0, 1
        return found[1], int(found[2] or 0), int(found[3] or 1)

    def _note(self, reason: str, line: int, column: int, twice: bool) -> None:
        key = _KEY.match(self._lines[line - 1])
        if twice and key:
            self.mistakes.append((line, f"{self.name}:{line}: {key[2].strip()}: is set twice"))
        else:
            self.mistakes.append((line, f"{self.name}:{line}:{column}: is not TOML: {reason}"))


def _parsed(lines: list[str]) -> dict[str, Any] | tomllib.TOMLDecodeError:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        return error


def followed(value: Any, path: KeyPath) -> KeyPath:
    """As much of *path* as leads to something in *value*."""
    for length, key in enumerate(path):
        in_list = isinstance(value, list) and isinstance(key, int) and key < len(value)
        if not in_list and not (isinstance(value, dict) and key in value):
            return path[:length]
        value = value[key]
    return path


def _named(value: Any, path: KeyPath) -> KeyPath:
    """*path* with the names of the tables in lists, where they have one, instead of their numbers."""
    named: list[str | int] = []
    for key in followed(value, path):
        value = value[key]
        name = value.get("name") if isinstance(key, int) and isinstance(value, dict) else None
        named.append(name if isinstance(name, str) else key)
    return (*named, *path[len(named) :])
