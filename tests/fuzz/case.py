"""What is a case? Everything that happens to the gateway in it, as literals that can be written down and run again."""

from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from attrs import field, frozen


class End(StrEnum):
    """How a peer ends its connection."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"

    def __repr__(self) -> str:
        return repr(self.value)


@frozen
class Answer:
    """What the backend does with one request."""

    data: bytes
    cuts: tuple[int, ...] = ()
    early: bool = False
    """It answers as soon as it has the request's head."""
    end: str = End.KEEP
    """What it does with the connection after that."""
    late: bytes = b""
    """Sent afterwards, once the connection is idle: it must reach nobody."""


@frozen
class Case:
    """One client's bytes, the backend's answers in order, and the circumstances."""

    client: bytes
    answers: tuple[Answer, ...] = ()
    cuts: tuple[int, ...] = ()
    schedule: int = 0
    """Seed of who moves when; 0: one after the other, each seen before the next."""
    dial: str = "accept"
    """``accept``, ``refuse``, ``hang``, or ``flaky``: one of two backends refuses."""
    end: str = End.KEEP
    """What the client does when all is sent; KEEP: it waits until the gateway closes."""
    limits: dict[str, int] = field(factory=dict)
    """Attributes of :class:`~openprequal.frontend.limits.Limits`."""
    witness: bool = False
    """A second client sends well-formed requests meanwhile."""
    hooks: bool = False
    """Hooks that change nothing, a moment later."""
    room: int | None = None
    """Requests that the backend may have in flight; more wait."""
    slow: str = ""
    """Who reads nothing until all is sent: ``client``, ``backend`` or both."""


def read_case(path: Path) -> Case:
    """A case that was written down with ``repr``."""
    names = {"Case": Case, "Answer": Answer, "__builtins__": {}}
    case = eval(path.read_text(), names)
    if not isinstance(case, Case):
        raise TypeError(f"{path} holds no case")
    return case


def pieces(data: bytes, cuts: tuple[int, ...]) -> list[bytes]:
    """*data* cut at *cuts*; no piece is empty."""
    edges = [0, *sorted(cut for cut in set(cuts) if 0 < cut < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if end > start]
