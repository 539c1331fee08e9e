"""Keys made on the spot, the key sets that publish them, and tokens signed with them."""

import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER = "https://issuer.test"
AUDIENCE = "api"
EPOCH = 1_800_000_000.0
"""The time that it is at first."""


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    """The public half."""
    kind = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256", ed25519.Ed25519PrivateKey: "EdDSA"}
    algorithm = next(name for cls, name in kind.items() if isinstance(key, cls))
    found: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    found.pop("key_ops", None)
    return {**found, **more}


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def token(key: Any = None, algorithm: str = "RS256", kid: str | None = "k1", **claims: Any) -> str:
    """Good for five minutes unless *claims* say otherwise; those that are None are left out."""
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": EPOCH + 300, **claims}
    headers = {"kid": kid} if kid is not None else {}
    return jwt.encode(
        {name: value for name, value in said.items() if value is not None}, key or rsa_key(), algorithm, headers
    )
