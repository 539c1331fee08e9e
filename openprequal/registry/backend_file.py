"""How are backends written to a file, so that either all or nothing is there, and read again?

The file is JSON, a backend a line, each as the body of its registration::

    {"version": 1, "writer": "4711-9f2c", "backends": [
    {"url": "http://10.0.0.7:8001", "service": "default", "weight": 2.0}
    ]}
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import frozen

from openprequal.errors import RegistrationRefused
from openprequal.registry.registration import MEMBERS, read_registration
from openprequal.values import Backend

VERSION: Final = 1
_KNOWN: Final = frozenset(member.name for member in MEMBERS)
_SEVERAL: Final = 1000


class BadFile(Exception):
    """It holds no backends that can be read; says why."""


@frozen
class Read:
    """What a file held."""

    backends: tuple[Backend, ...]
    objections: tuple[str, ...]
    """What is wrong with those that are left out."""


def write_backends(path: Path, backends: Iterable[Backend], writer: str) -> None:
    """Let *path* hold *backends*, readable by its owner only. Blocks until the disk has it.

    :param writer: who writes, for :func:`writer_of`.
    :raises OSError: the former content is still there.
    """
    lines = ",\n".join(json.dumps(row_of(backend)) for backend in backends)
    text = f'{{"version": {VERSION}, "writer": {json.dumps(writer)}, "backends": [\n{lines}\n]}}\n'
    beside = path.with_name(f"{path.name}.{writer}.tmp")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    # The renaming, too, is to survive a loss of power.
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_backends(path: Path) -> Read:
    """What *path* holds.

    :raises FileNotFoundError: there is none.
    :raises OSError: it cannot be read.
    :raises BadFile: it is no such file, or of a version that is not known here.
    """
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadFile(f"is not JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("backends"), list):
        raise BadFile("holds no list of backends")
    if document.get("version") != VERSION:
        raise BadFile(f"is of version {ascii(document.get('version'))[:20]}: only {VERSION} is known here")
    backends: dict[str, Backend] = {}
    objections = []
    for row in document["backends"]:
        try:
            backend = backend_of(row)
        except RegistrationRefused as refused:
            objections.append(refused.reason)
        else:
            backends[backend.id] = backend
    return Read(tuple(backends.values()), tuple(objections))


def writer_of(path: Path) -> str | None:
    """Who wrote *path* last; None: nobody that is known.

    :raises OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.readline(_SEVERAL).strip()
    except FileNotFoundError:
        return None
    try:
        head = json.loads(beginning + b"]}")
    except (ValueError, RecursionError):
        return None
    writer = head.get("writer") if isinstance(head, dict) else None
    return writer if isinstance(writer, str) else None


def row_of(backend: Backend) -> dict[str, object]:
    """*backend* as the body of a registration, without what is as usual."""
    told = [(member, getattr(backend, member.name)) for member in MEMBERS]
    return {member.name: value for member, value in told if member.name == "service" or value != member.default}


def backend_of(row: object) -> Backend:
    """The backend that :func:`row_of` made *row* of; what another version says beyond what is known here is left out.

    :raises RegistrationRefused: it is none.
    """
    if isinstance(row, dict):
        row = {name: value for name, value in row.items() if name in _KNOWN}
    return read_registration(row, None).backend
