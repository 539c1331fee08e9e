"""Which backends does a file list that people, or their tools, write?

TOML, or JSON if its name ends so; an entry is what the body of a registration is::

    [[backends]]
    url = "http://10.0.0.7:8001"
    service = "reports"
    weight = 2
"""

import json
from pathlib import Path
from typing import Any

from openprequal.config.toml_file import TomlFile
from openprequal.errors import ConfigurationError, KeyPath, RegistrationRefused, dotted, suggestion
from openprequal.registry.registration import read_registration
from openprequal.values import Backend

_NOT_HERE = ("heartbeat_seconds", "load")


def read_list(path: Path, most: int) -> tuple[Backend, ...]:
    """The backends that *path* lists, in its order. An empty list has to be written: ``backends = []``.

    :param most: more is a mistake.
    :raises ConfigurationError: a line for each mistake, with its place in the file.
    """
    file = _JsonFile(path) if path.suffix == ".json" else TomlFile(str(path))
    mistakes = [text for _, text in file.mistakes]
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    for key in file.document.keys() - {"backends"}:
        mistakes.append(f"{file.place((key,))}: no such key{suggestion(key, ['backends'])}")
    rows = file.document.get("backends")
    if not isinstance(rows, list):
        # What is cut off, or empty, may be about to be written.
        mistakes.append(f"{path}: has no list of backends: write backends = [] if there are none")
        rows = []
    if len(rows) > most:
        mistakes.append(f"{path}: lists {len(rows)} backends: max_backends is {most}")
    backends: dict[str, Backend] = {}
    for number, row in enumerate(rows):
        try:
            backend = _backend(row)
        except RegistrationRefused as refused:
            where: KeyPath = ("backends", number, *(refused.field or "").split("."))
            place = file.place(where if refused.field else where[:2])
            mistakes.append(f"{place}: {refused.reason.removeprefix(f'{refused.field}: ')}")
        else:
            if backend.id in backends:
                mistakes.append(f"{file.place(('backends', number))}: {backend.id} is listed twice")
            backends[backend.id] = backend
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    return tuple(backends.values())


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
