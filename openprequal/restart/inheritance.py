"""What does a process hand to the one that takes its place, and in which form?"""

import json
import os
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any, Final

from attrs import asdict, fields, frozen

from openprequal.health.standing import NO_ORDERS, Orders
from openprequal.values import Backend

VARIABLE: Final = "_OPENPREQUAL_HANDED_OVER"
"""The environment variable that says it. It is taken out at once: children of the new process inherit nothing."""

READY: Final = b"ready"
"""What the new process says once it accepts connections."""

END: Final = b"end"
"""What the new process is told when it is not to take over: it ends."""


@frozen
class Inheritance:
    """What a process was handed: descriptors, and whose they were."""

    pid: int
    """The process that is to be replaced."""
    listening: Mapping[str, int]
    """Descriptors of listening sockets, by the endpoint string each was made from."""
    says: int
    """Where it says who is registered: a line at once, and another when it has stopped accepting."""
    hears: int
    """Where it hears that its successor is ready."""
    errors: int
    """Its standard error; ours leads to it until we are ready, so that it can say why we failed."""

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def taken_from(cls, environ: MutableMapping[str, str]) -> "Inheritance | None":
        """What the environment says, and says from now on no longer; None: nobody is to be replaced."""
        text = environ.pop(VARIABLE, None)
        return cls(**json.loads(text)) if text else None

    def restore_standard_error(self) -> None:
        """Say errors where our predecessor did."""
        os.dup2(self.errors, 2)
        os.close(self.errors)


_FIELDS: Final = tuple(field.name for field in fields(Backend) if field.init)


def membership_line(
    backends: Collection[Backend], up: Collection[str], orders: Mapping[str, Orders] | None = None
) -> bytes:
    """Everyone registered, as one line.

    :param up: ids of those that may be picked.
    :param orders: what operators want of which, by id; None: nothing.
    """
    wanted = orders or {}
    rows = [
        {
            "up": backend.id in up,
            "orders": wanted.get(backend.id, NO_ORDERS)._asdict(),
            **{name: getattr(backend, name) for name in _FIELDS},
        }
        for backend in backends
    ]
    return json.dumps(rows).encode("ascii") + b"\n"


def read_membership_line(line: bytes) -> tuple[list[Backend], set[str], dict[str, Orders]]:
    """The backends of such a line, the ids of those that could be picked, and what operators want of which.

    What another version says beyond what is known here is left out.
    """
    rows: list[dict[str, Any]] = json.loads(line)
    backends = [Backend(**{name: row[name] for name in _FIELDS if name in row}) for row in rows]
    of = dict(zip((backend.id for backend in backends), rows, strict=True))
    told = {backend_id: row.get("orders", {}) for backend_id, row in of.items()}
    orders = {
        backend_id: Orders(**{name: each.get(name) for name in Orders._fields}) for backend_id, each in told.items()
    }
    wanted = {backend_id: each for backend_id, each in orders.items() if each != NO_ORDERS}
    return backends, {backend_id for backend_id, row in of.items() if row["up"]}, wanted
