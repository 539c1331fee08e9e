"""What may a probe tell a backend of the request it is for? A hint: a short hash of a header or of the path's start.

In sync mode (section 4 of the paper) a probe may carry query information, so that a backend that holds the query's data
in its cache can report its load scaled down and attract it. Gateway and backend apply one rule to the request as the
backend gets it, so the request itself need not carry the hint. A hash, so that its length is bounded and no log of
probes holds the value; whoever can guess the value can still recognise it.
"""

import re
from collections.abc import Callable
from hashlib import blake2b

from attrs import frozen

HINT_FIELD = b"OpenPrequal-Hint"
"""The field of a probe that carries the hint."""

RULE = r"none|header:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|path:[1-9][0-9]?"
RULE_ALLOWED = "none, header:NAME, or path:N with N from 1 to 99"
"""The same in words."""

_HINT = re.compile(rb"[0-9a-f]{16}")


def hint_of(value: bytes) -> bytes:
    """The hint that stands for *value*: 16 hexadecimal digits (BLAKE2b, 8 bytes)."""
    return blake2b(value, digest_size=8).hexdigest().encode("ascii")


def read_hint(value: bytes | None) -> bytes | None:
    """*value* of a :data:`HINT_FIELD` if it is a hint; None if it is anything else or missing."""
    return value if value is not None and _HINT.fullmatch(value) else None


@frozen
class HintRule:
    """What of a request its hint is made of."""

    header: bytes | None = None
    """The first field of this lower-case name."""
    segments: int = 0
    """That many segments of the path, from the first on."""

    @classmethod
    def parse(cls, rule: str) -> "HintRule":
        """:data:`RULE` as it is written: ``none``, ``header:NAME``, ``path:N``.

        :raises ValueError: it is none of these; the message tells what is allowed.
        """
        if not re.fullmatch(RULE, rule):
            raise ValueError(RULE_ALLOWED)
        kind, _, what = rule.partition(":")
        return cls(header=what.lower().encode("ascii")) if kind == "header" else cls(segments=int(what or 0))

    def of(self, path: bytes, header: Callable[[bytes], bytes | None]) -> bytes:
        """The hint of a request; empty if it has none.

        :param path: its target up to the first ``?``.
        :param header: the value of its first field of a lower-case name, without surrounding white space, or None.
        """
        if self.segments:
            return hint_of(b"/".join(path.split(b"/", self.segments + 1)[: self.segments + 1]))
        value = header(self.header) if self.header is not None else None
        return hint_of(value) if value else b""
