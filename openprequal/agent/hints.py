"""For which requests do we hold the data in cache? Hints of sync mode, seen from the backend.

A probe may carry ``OpenPrequal-Hint``; a backend that holds what its request needs reports its load scaled down, which
:class:`~openprequal.agent.load.LoadTracker` does for a hint that its ``is_warm`` knows. If your cache has keys, compute
the hint of each with :func:`hint_of` when you put it in; if it has none, remember what was served: :class:`WarmHints`.
"""

from openprequal.hints import HINT_FIELD, HintRule, hint_of, read_hint

__all__ = ["HINT_FIELD", "HintRule", "WarmHints", "hint_of", "read_hint"]


class WarmHints:
    """The hints of what was served last, at most *most* of them: as a cache that forgets what is used least lately."""

    __slots__ = ("_hints", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._hints: dict[bytes, None] = {}  # in the order of their last use

    def __len__(self) -> int:
        return len(self._hints)

    def __contains__(self, hint: object) -> bool:
        return hint in self._hints

    def served(self, hint: bytes) -> None:
        """A request with *hint* was served; an empty one is none."""
        if not hint:
            return
        self._hints.pop(hint, None)
        self._hints[hint] = None
        if len(self._hints) > self._most:
            del self._hints[next(iter(self._hints))]
