"""Which backends does a file list that people, or their tools, write?

TOML, or JSON if its name ends so; an entry is what the body of a registration is::

    [[backends]]
    url = "http://10.0.0.7:8001"
    service = "reports"
    weight = 2
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from openprequal.config.toml_file import TomlFile
from openprequal.errors import ConfigurationError, KeyPath, RegistrationRefused, dotted, suggestion
from openprequal.registry.registration import read_registration
from openprequal.values import Backend

_NOT_HERE = ("heartbeat_seconds", "load")
_LINES_SHOWN: Final = 5
_LINES_BYTES: Final = 1 << 16
"""Where more is wrong, or in larger files, entries are told by their numbers: to find lines takes long."""


def read_list(path: Path, most: int) -> tuple[Backend, ...]:
    """The backends that *path* lists, in its order. An empty list has to be written: ``backends = []``.

    :param most: more is a mistake.
    :raises ConfigurationError: a line for each mistake, with its place in the file.
    """
    file = _JsonFile(path) if path.suffix == ".json" else TomlFile(str(path))
    if file.mistakes:
        raise ConfigurationError("\n".join(text for _, text in file.mistakes))
    backends: dict[str, Backend] = {}
    mistakes: list[tuple[KeyPath, str]] = []
    for key in file.document.keys() - {"backends"}:
        mistakes.append(((key,), f"no such key{suggestion(key, ['backends'])}"))
    rows = file.document.get("backends")
    if not isinstance(rows, list):
        # What is cut off, or empty, may be about to be written.
        raise ConfigurationError(
            "\n".join([*_told(path, file, mistakes), f"{path}: has no list of backends: write backends = [] for none"])
        )
    if len(rows) > most:
        raise ConfigurationError(f"{path}: lists {len(rows)} backends: max_backends is {most}")
    for number, row in enumerate(rows):
        where: KeyPath = ("backends", number)
        try:
            backend = _backend(row)
        except RegistrationRefused as refused:
            field = refused.field or ""
            mistakes.append(((*where, *filter(None, field.split("."))), refused.reason.removeprefix(f"{field}: ")))
        else:
            if backend.id in backends:
                mistakes.append((where, f"{backend.id} is listed twice"))
            backends[backend.id] = backend
    if mistakes:
        raise ConfigurationError("\n".join(_told(path, file, mistakes)))
    return tuple(backends.values())


def _told(path: Path, file: "TomlFile | _JsonFile", mistakes: Sequence[tuple[KeyPath, str]]) -> list[str]:
    """A line for each of *mistakes*, in what *path* held when it was read as *file*."""
    lines_shown = _LINES_SHOWN if path.stat().st_size <= _LINES_BYTES else 0
    places = [
        file.place(where) if number < lines_shown else f"{path}: {dotted(where)}"
        for number, (where, _) in enumerate(mistakes)
    ]
    return [f"{place}: {reason}" for place, (_, reason) in zip(places, mistakes, strict=True)]


def _backend(row: Any) -> Backend:
    if not isinstance(row, dict):
        raise RegistrationRefused("must be a table")
    for name in _NOT_HERE:
        if name in row:
            raise RegistrationRefused(f"{name}: is unknown here", field=name)
    return read_registration(row, None).backend


class _JsonFile:
    """A JSON file in the manner of :class:`~openprequal.config.toml_file.TomlFile`; knows lines of syntax only."""

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        self.document: dict[str, Any] = {}
        self.mistakes: list[tuple[int, str]] = []
        try:
            document = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
        except json.JSONDecodeError as error:
            self.mistakes.append((error.lineno, f"{path}:{error.lineno}: is not JSON: {error.msg}"))
        except (ValueError, RecursionError) as error:
            self.mistakes.append((0, f"{path}: is not JSON: {error}"))
        else:
            if isinstance(document, dict):
                self.document = document
            else:
                self.mistakes.append((0, f"{path}: must be an object"))

    def place(self, path: KeyPath) -> str:
        """Where *path* is said."""
        return f"{self._name}: {dotted(path)}"
