"""How does what is shown become JSON on one line, as an event of a stream needs it, piece by piece?"""

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final

from openprequal.admin.views import json_bytes

_encoded: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def json_text(value: object) -> str:
    """*value* as JSON; what JSON has no number for becomes null."""
    try:
        return _encoded(value)
    except ValueError:
        return json_bytes(value).decode("ascii").rstrip()


def object_of(members: Mapping[str, str]) -> str:
    """A JSON object of members that are JSON already."""
    return f"{{{','.join(f'{json_text(name)}:{text}' for name, text in members.items())}}}"


def array_of(elements: Iterable[str]) -> str:
    """A JSON array of elements that are JSON already."""
    return f"[{','.join(elements)}]"


def short(value: object) -> object:
    """*value*, if a fraction, to the four digits that are enough to look at."""
    return float(f"{value:.4g}") if isinstance(value, float) and isfinite(value) else value
