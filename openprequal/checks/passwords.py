"""Who has which password? A file of ``user:hash`` lines, as ``htpasswd -B`` writes it."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from attrs import field, frozen

from openprequal.checks.extra import library
from openprequal.checks.verdict import sendable

MOST_ROUNDS: Final = 15
"""Of bcrypt, as a power of two: 2 seconds of a processor each time."""
MOST_MEMORY_KIB: Final = 256 * 1024
"""Of argon2."""

_BCRYPT: Final = re.compile(rb"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_ARGON2: Final = re.compile(
    rb"\$argon2(?:id|i|d)\$v=\d+\$m=(\d{1,9}),t=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)
_BCRYPT_BYTES: Final = 72
_NOBODY: Final = b"$2b$12$B7/KgBoW74Z5GWORNtXJf.8vGaxq9.omc5CAuDycffENtCUejrh0y"
"""Of no password that anybody knows; takes the time of a usual hash."""


@frozen
class Passwords:
    """The users and the hashes of their passwords."""

    hashes: Mapping[str, bytes] = field(repr=False)
    where: str

    def verify(self, user: str, password: bytes) -> bool:
        """Is *password* that of *user*? Slow on purpose, and as slow for a user who does not exist."""
        known = self.hashes.get(user)
        hashed = known or next(iter(self.hashes.values()), _NOBODY)
        return _verifier(hashed, self.where)(password, hashed) and known is not None


def parse_passwords(content: bytes, where: str) -> Passwords:
    """The users of a file.

    :raises ValueError: a line cannot be used; hashes are not shown.
    :raises ConfigurationError: the library for one of the hashes is not installed.
    """
    hashes: dict[str, bytes] = {}
    for number, line in enumerate(content.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(b"#"):
            continue
        name, colon, hashed = line.partition(b":")
        try:
            user = name.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"line {number}: the user's name is not UTF-8") from None
        if not colon or not sendable(name):
            raise ValueError(f"line {number}: must be user:hash")
        if user in hashes:
            raise ValueError(f"line {number}: {user} is there already")
        reason = _objection(hashed)
        if reason:
            raise ValueError(f"line {number}: {user}: {reason}")
        _verifier(hashed, where)
        hashes[user] = hashed
    return Passwords(hashes, where)


def _objection(hashed: bytes) -> str | None:
    """Why a hash is not taken."""
    if bcrypt := _BCRYPT.fullmatch(hashed):
        return None if 4 <= int(bcrypt[1]) <= MOST_ROUNDS else f"bcrypt with a cost that is not from 4 to {MOST_ROUNDS}"
    if argon2 := _ARGON2.fullmatch(hashed):
        return None if int(argon2[1]) <= MOST_MEMORY_KIB else f"argon2 with more than {MOST_MEMORY_KIB} KiB of memory"
    return "the hash is neither bcrypt nor argon2; htpasswd -B makes one"


def _verifier(hashed: bytes, where: str) -> Callable[[bytes, bytes], bool]:
    """What compares a password with such a hash.

    :raises ConfigurationError: its library is not installed.
    """
    if hashed.startswith(b"$2"):
        check = library("bcrypt", where).checkpw
        # All programs look at so many bytes only, and this library says so by an exception.
        return lambda password, hashed: bool(check(password[:_BCRYPT_BYTES], hashed))
    argon2 = library("argon2", where)

    def verify(password: bytes, hashed: bytes) -> bool:
        try:
            return bool(argon2.PasswordHasher().verify(hashed, password))
        except (argon2.exceptions.Argon2Error, argon2.exceptions.InvalidHashError):
            return False

    return verify
