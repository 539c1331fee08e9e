"""Which content coding does the client want? (RFC 9110 sections 12.4.2 and 12.5.3)"""

import re
from collections.abc import Sequence

from openprequal.http1.fields import TOKEN

_MEMBER = re.compile(
    rb"[ \t]*(" + TOKEN + rb")[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?",
)
_ALIASES = {b"x-gzip": b"gzip"}


def qualities(value: bytes) -> dict[bytes, float]:
    """Each coding of an Accept-Encoding field with its weight; of one named twice the first.

    Members that are no ``codings [ weight ]`` are left out, so that garbage asks for nothing.
    """
    found: dict[bytes, float] = {}
    for member in value.split(b","):
        match = _MEMBER.fullmatch(member)
        if match is not None:
            name = match[1].lower()
            found.setdefault(_ALIASES.get(name, name), 1.0 if match[2] is None else float(match[2]))
    return found


def wanted_coding(value: bytes | None, offered: Sequence[bytes]) -> bytes | None:
    """The coding of *offered* that the client likes best; None: it is to have the content as it is.

    :param value: its Accept-Encoding, all field lines joined by commas; None: it sent none, which allows everything
        and asks for nothing.
    :param offered: lower case, the first before the others where the client likes them alike.
    """
    if not value:
        return None
    asked = qualities(value)
    others = asked.get(b"*", 0.0)
    best, best_quality = None, 0.0
    for coding in offered:
        quality = asked.get(coding, others)
        if quality > best_quality:
            best, best_quality = coding, quality
    # No coding at all is acceptable unless it is excluded, but better than another only where the client says so.
    return best if best_quality >= asked.get(b"identity", 0.0) else None
