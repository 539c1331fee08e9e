"""Which key was a token signed with? A JSON Web Key Set (RFC 7517), or one secret."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from openprequal.checks.extra import library

SYMMETRIC: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Made and verified with the same secret, which has so many bytes at least."""
ASYMMETRIC: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Verified with a key that may be public."""

MOST_KEYS: Final = 256
LEAST_RSA_BITS: Final = 2048
"""RFC 7518 section 3.3."""

_OF_CURVE: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
_PUBLIC_PARTS: Final = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}


@frozen
class Key:
    """One key."""

    kid: str | None
    algorithms: frozenset[str]
    """Those that it may be used with: never a choice of who made the token (RFC 8725 section 3.1)."""
    material: Any = field(repr=False)


class KeySet:
    """The keys that tokens may be signed with."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = keys

    def find(self, kid: object, algorithm: str) -> Key | None:
        """The key that a token names; if it names none, or the key has no name, the only one that it can mean."""
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        if len(fitting) == 1 and (kid is None or fitting[0].kid is None):
            return fitting[0]
        return next((key for key in fitting if kid is not None and key.kid == kid), None)

    def __len__(self) -> int:
        return len(self._keys)


def parse_key_set(content: bytes) -> KeySet:
    """The public keys of a JWK Set; those that are for something else, or of kinds unknown here, are left out.

    :raises ValueError: it is none, or none of its keys can be used.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("is no JWK Set (RFC 7517 section 5)")
    keys = [key for entry in entries[:MOST_KEYS] if isinstance(entry, dict) and (key := _key(entry)) is not None]
    if not keys:
        raise ValueError("holds no public key that can be used")
    return KeySet(keys)


def secret_key(secret: bytes, algorithms: Collection[str]) -> KeySet:
    """The one secret as a set, for these algorithms.

    :raises ValueError: it is shorter than what one of them makes of it (RFC 7518 section 3.2).
    """
    least = max(SYMMETRIC[name] for name in algorithms)
    if len(secret) < least:
        raise ValueError(f"a secret needs {least} bytes at least (RFC 7518 section 3.2)")
    return KeySet([Key(None, frozenset(algorithms), secret)])


def _key(entry: Mapping[str, Any]) -> Key | None:
    kty, use, operations = entry.get("kty"), entry.get("use"), entry.get("key_ops")
    parts = _PUBLIC_PARTS.get(kty) if isinstance(kty, str) else None
    if parts is None or use not in (None, "sig") or (isinstance(operations, list) and "verify" not in operations):
        return None
    algorithms = _algorithms(entry)
    if not algorithms:
        return None
    jwt = library("jwt", "a JWK Set")
    try:
        # Without what is private, should somebody have published that.
        material = jwt.PyJWK({name: entry[name] for name in parts}, algorithm=min(algorithms)).key
    except (KeyError, TypeError, ValueError, jwt.PyJWTError):
        return None
    if kty == "RSA" and material.key_size < LEAST_RSA_BITS:
        return None
    kid = entry.get("kid")
    return Key(kid if isinstance(kid, str) else None, algorithms, material)


def _algorithms(entry: Mapping[str, Any]) -> frozenset[str]:
    if entry["kty"] == "RSA":
        able = {name for name in ASYMMETRIC if name[:2] in ("RS", "PS")}
    else:
        curve = entry.get("crv")
        able = {_OF_CURVE[curve]} if isinstance(curve, str) and curve in _OF_CURVE else set()
    said = entry.get("alg")
    return frozenset(able if said is None else able & {said} if isinstance(said, str) else ())
