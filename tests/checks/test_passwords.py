"""Files of users and hashes: what is taken, what is refused with which words, and who is let in."""

from pathlib import Path

import argon2
import bcrypt
import pytest

from openprequal.checks.passwords import _NOBODY, Passwords, parse_passwords
from openprequal.checks.watched_file import WatchedFile
from openprequal.errors import ConfigurationError

WHERE = "checks.staff.users_file"
# The least that each takes; with a salt that is always the same, as tests are named for them.
BCRYPT = bcrypt.hashpw(b"secret", b"$2b$04$" + b"." * 22)
ARGON2 = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("secret", salt=b"openprequal").encode()


def parsed(*lines: bytes) -> Passwords:
    return parse_passwords(b"\n".join(lines), WHERE)


@pytest.mark.parametrize("hashed", [BCRYPT, b"$2y" + BCRYPT[3:], b"$2a" + BCRYPT[3:], ARGON2])
def test_a_user_is_let_in_by_the_password_and_no_other(hashed: bytes) -> None:
    passwords = parsed(b"# staff", b"", b"ann:" + hashed)
    assert passwords.verify("ann", b"secret")
    assert not passwords.verify("ann", b"Secret")
    assert not passwords.verify("ann", b"")


def test_the_hash_of_one_lets_no_other_in() -> None:
    passwords = parsed(b"ann:" + BCRYPT)
    assert not passwords.verify("bob", b"secret")


def test_nobody_is_let_in_by_an_empty_file() -> None:
    assert not parsed().verify("ann", b"secret")


def test_nobody_has_a_hash_of_the_usual_cost() -> None:
    parsed(b"nobody:" + _NOBODY)
    assert _NOBODY.startswith(b"$2b$12$")


def test_bcrypt_looks_at_72_bytes_as_everywhere() -> None:
    passwords = parsed(b"ann:" + bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)))
    assert passwords.verify("ann", b"x" * 80)


def test_names_may_be_of_any_letters() -> None:
    assert parsed("zoë:".encode() + BCRYPT).verify("zoë", b"secret")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"ann", "must be user:hash"),
        (b":" + BCRYPT, "must be user:hash"),
        (b"a\x01b:" + BCRYPT, "must be user:hash"),
        (b"ann :" + BCRYPT, "must be user:hash"),
        (b"\xff:" + BCRYPT, "not UTF-8"),
        (b"ann:$apr1$5T7P6nL6$p0HnZ7dZ", "neither bcrypt nor argon2"),
        (b"ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "neither bcrypt nor argon2"),
        (b"ann:secret", "neither bcrypt nor argon2"),
        (b"ann:" + BCRYPT + b"x", "neither bcrypt nor argon2"),
        (b"ann:$2b$16$" + BCRYPT[7:], "a cost that is not from 4 to 15"),
        (b"ann:" + ARGON2.replace(b"m=8", b"m=9999999"), "more than 262144 KiB"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_its_hash_is_not(line: bytes, words: str) -> None:
    with pytest.raises(ValueError, match="line 2: .*" + words) as error:
        parsed(b"bob:" + BCRYPT, line)
    assert line.partition(b":")[2].decode() not in str(error.value) or not line.partition(b":")[2]


def test_a_user_may_be_there_once() -> None:
    with pytest.raises(ValueError, match="line 2: ann is there already"):
        parsed(b"ann:" + BCRYPT, b"ann:" + BCRYPT)


def test_hashes_are_not_shown() -> None:
    assert BCRYPT.decode() not in repr(parsed(b"ann:" + BCRYPT))


def watched(path: Path) -> WatchedFile[bytes]:
    def parse(content: bytes) -> bytes:
        if content == b"bad":
            raise ValueError("is bad")
        return content

    return WatchedFile(str(path), parse, WHERE)


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_bytes(b"one")
    file = watched(path)
    path.write_bytes(b"three")
    file.look()
    assert file.value == b"three"


def test_what_was_good_holds_while_a_file_is_bad_or_gone(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_bytes(b"one")
    file = watched(path)
    path.write_bytes(b"bad")
    file.look()
    path.unlink()
    file.look()
    assert file.value == b"one"
    path.write_bytes(b"three")
    file.look()
    assert file.value == b"three"


def test_the_same_bytes_in_a_new_file_are_the_same_value(tmp_path: Path) -> None:
    path, other = tmp_path / "users", tmp_path / "other"
    path.write_bytes(b"one")
    file = watched(path)
    before = file.value
    other.write_bytes(b"one")
    other.replace(path)
    file.look()
    assert file.value is before


def test_a_file_that_is_bad_from_the_start_is_named(tmp_path: Path) -> None:
    path = tmp_path / "users"
    with pytest.raises(ConfigurationError, match=r"^checks\.staff\.users_file: .*cannot be read"):
        watched(path)
    path.write_bytes(b"bad")
    with pytest.raises(ConfigurationError, match=r"^checks\.staff\.users_file: .*is bad"):
        watched(path)
