"""What must a token say, and how is the backend told? (RFC 7519 section 4, RFC 8693 section 4.2)"""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from openprequal.checks.verdict import Fields, sendable

Claims = Mapping[str, Any]
Scalar = str | int | bool


def claim_of(claims: Claims, name: str) -> object:
    """The claim of that name, which may lead into others by dots (``realm_access.roles``); None if there is none."""
    if name in claims:
        return claims[name]  # names may be URLs, which hold dots
    found: object = claims
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def has_one_of(claims: Claims, name: str, allowed: Collection[Scalar]) -> bool:
    """Is the claim, or one of its members where it is a list, one of *allowed*?"""
    found = claim_of(claims, name)
    members = found if isinstance(found, list) else [found]
    # True is 1 in Python, but not in JSON.
    return any(type(member) is type(each) and member == each for member in members for each in allowed)


def scopes_of(claims: Claims) -> Collection[str]:
    """What the token was given for: ``scope``, or what others call it, ``scp``."""
    found = claims.get("scope", claims.get("scp"))
    if isinstance(found, str):
        return found.split()
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def time_of(claims: Claims, name: str) -> float | None:
    """A NumericDate in seconds since 1970; None if there is none.

    :raises ValueError: it is something else.
    """
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise ValueError(f"{name} is no time")
    return float(found)


def fields_of(claims: Claims, names: Mapping[str, bytes]) -> Fields:
    """The fields that tell the backend what the token says.

    A claim that no field can carry unmistakably is left out.

    :param names: of the fields, by claim.
    """
    fields = []
    for claim, name in names.items():
        value = _value(claim_of(claims, claim))
        if value is not None:
            fields.append((name, value))
    return tuple(fields)


def _value(claim: object) -> bytes | None:
    if isinstance(claim, list):
        # One that holds a comma would look like two.
        members = [each for member in claim if (each := _value(member)) is not None and b"," not in each]
        return b",".join(members) or None
    if claim is None:
        return None
    text = claim if isinstance(claim, str) else json.dumps(claim, separators=(",", ":"))
    try:
        value = text.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return value if sendable(value) else None
