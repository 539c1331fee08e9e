"""What does it cost to judge a request? A check's own code in the thread of the event loop, and passwords beside it."""

import base64
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from openprequal.bench.hot_path import microseconds
from openprequal.checks.assembly import Checks
from openprequal.checks.passwords import parse_passwords
from openprequal.checks.verdict import Admitted, Check
from openprequal.config.checks import JwtCheckSettings
from openprequal.http1.request import RequestHead, parse_request_head

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "HS256")
TOKENS: Final = 300
COSTS: Final = (5, 10, 12)
"""Of bcrypt; the first is what ``htpasswd`` takes."""
ARGON2: Final[Mapping[str, Any]] = {}
"""Of argon2id; what is not here is the library's default."""


class _Clock:
    seconds = staticmethod(time.monotonic)


def report(count: int) -> None:
    """Measure and print a line for each kind of token and of password."""
    sys.stdout.write("tokens, µs in the event loop: verified anew, and remembered\n")
    for algorithm in ALGORITHMS:
        with TemporaryDirectory() as folder:
            check, requests = _tokens(algorithm, Path(folder))
        anew = microseconds(_judging(check, requests, forgetful=True), TOKENS)
        remembered = microseconds(_judging(check, requests[:1]), count)
        sys.stdout.write(f"{algorithm:>9}{anew:>10.1f}{remembered:>10.1f}\n")
        sys.stdout.flush()
    sys.stdout.write("passwords, ms in a thread\n")
    for name, hashed in _hashes():
        verify = partial(parse_passwords(b"ann:" + hashed, "users").verify, "ann", b"secret")
        sys.stdout.write(f"{name:>9}{microseconds(partial(_repeated, verify), 3) / 1000:>10.1f}\n")
        sys.stdout.flush()


def _tokens(algorithm: str, folder: Path) -> tuple[Check, list[RequestHead]]:
    """A check, and requests with tokens that it believes."""
    import jwt

    key, public = _key(jwt, algorithm)
    source = folder / "keys"
    source.write_bytes(public if algorithm == "HS256" else json.dumps({"keys": [json.loads(public)]}).encode())
    where = "secret_file" if algorithm == "HS256" else "jwks_file"
    settings = JwtCheckSettings.model_validate(
        {"kind": "jwt", where: str(source), "issuer": ["bench"], "claim_headers": {"sub": "X-User"}}
    )
    checks = Checks(_Clock(), wall_clock=time.time, secret=b"bench", environ={})
    check = checks.made({"bench": settings}, lambda request: None, "")["bench"]
    expires = time.time() + 3600
    requests = []
    for number in range(TOKENS):
        token = jwt.encode({"iss": "bench", "sub": "ann", "exp": expires, "jti": str(number)}, key, algorithm)
        head = f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}"
        requests.append(parse_request_head(head.encode(), "127.0.0.1"))
    return check, requests


def _key(jwt: Any, algorithm: str) -> tuple[Any, bytes]:
    """What tokens are signed with, and what they are verified with as the file has it."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if algorithm == "HS256":
        secret = base64.b64encode(bytes(range(48)))
        return secret, secret
    made: Any = {
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[algorithm]()
    return made, jwt.get_algorithm_by_name(algorithm).to_jwk(made.public_key()).encode()


def _judging(check: Any, requests: Sequence[RequestHead], *, forgetful: bool = False) -> Callable[[int], None]:
    turn = cycle(requests)

    def judge(count: int) -> None:
        if forgetful:
            check._believed.clear()
        for _ in range(count):
            assert isinstance(check.judge(next(turn)), Admitted)

    return judge


def _hashes() -> list[tuple[str, bytes]]:
    import argon2
    import bcrypt

    made = [(f"bcrypt {cost}", bcrypt.hashpw(b"secret", bcrypt.gensalt(cost))) for cost in COSTS]
    return [*made, ("argon2id", argon2.PasswordHasher(**ARGON2).hash("secret").encode())]


def _repeated(verify: Callable[[], bool], count: int) -> None:
    for _ in range(count):
        assert verify()
