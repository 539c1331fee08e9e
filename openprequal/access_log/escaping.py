"""How does a text that a client made up get into a line without ending it, or its field, or moving a cursor?

Whatever comes out is printable ASCII. Values repeat (agents, hosts, paths, backends), so the latest are remembered.
"""

import re
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final

LONGEST: Final = 2048
"""Bytes of a value that are shown; the dots after them stand for the rest."""
_REMEMBERED: Final = 1024
_DOTS: Final = "..."
_NOT_PLAIN: Final = re.compile(r"[^ !#-\[\]-~]")

Text = str | bytes | None


@lru_cache(_REMEMBERED)
def quoted(value: Text) -> str:
    """*value* as JSON has it (RFC 8259 section 7): a string in ASCII, or null; what is not UTF-8 shows as ``\\xff``."""
    return "null" if value is None else encode_basestring_ascii(_shortened(value, "utf-8"))


def quoted_once(value: bytes) -> str:
    """The same, not remembered: no other line has it."""
    if len(value) > LONGEST:
        return quoted(value)
    return encode_basestring_ascii(value.decode("utf-8", "backslashreplace"))


@lru_cache(_REMEMBERED)
def bare(value: Text) -> str:
    """*value* as nginx writes it between quotes: quotes, backslashes and what is not printable ASCII as ``\\xXX``.

    What there is not, or is empty, is ``-``.
    """
    return _NOT_PLAIN.sub(_escaped, _shortened(value, "latin-1")) if value else "-"


def unspaced(value: Text) -> str:
    """The same for a field that ends at the next space."""
    return bare(value).replace(" ", "\\x20")


def _shortened(value: str | bytes, encoding: str) -> str:
    whole = value
    value = value[:LONGEST]
    if isinstance(value, str):
        # By what it would be as bytes, so that nothing is left that has no two digits.
        value = value.encode("utf-8", "backslashreplace")
    return value.decode(encoding, "backslashreplace") + (_DOTS if len(whole) > LONGEST else "")


def _escaped(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02X}"
