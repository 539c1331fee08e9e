"""Which tokens are valid now?"""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from openprequal.config.tokens import Tokens

Write = Callable[[str], None]


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str) -> None:
        (tmp_path / "token").write_text(content)

    return write


@pytest.fixture
def tokens(tmp_path: Path, write: Write, complaints: list[str]) -> Tokens:
    write("first\nsecond\n")
    return Tokens((SecretStr("first"), SecretStr("second")), str(tmp_path / "token"), complaints.append)


def test_tokens_that_were_set_stay() -> None:
    tokens = Tokens((SecretStr("a"), SecretStr("b")), None, lambda why: None)
    assert (tokens.now(), tokens.first()) == (("a", "b"), "a")


def test_where_none_was_set_there_is_none_to_send() -> None:
    assert Tokens((), None, lambda why: None).first() is None


def test_what_the_file_holds_now_counts(tokens: Tokens, write: Write) -> None:
    assert tokens.now() == ("first", "second")
    write("# since today\nthird\n\nfirst\n")
    assert (tokens.now(), tokens.first()) == (("third", "first"), "third")


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "a b\n", "third\n\x00\n"])
def test_a_file_that_holds_nothing_usable_changes_nothing(
    content: str, tokens: Tokens, write: Write, complaints: list[str]
) -> None:
    write(content)
    assert tokens.now() == ("first", "second")
    assert "must be one or more of" in complaints[0]


def test_a_file_that_is_gone_changes_nothing_and_is_told_once(
    tokens: Tokens, tmp_path: Path, complaints: list[str]
) -> None:
    (tmp_path / "token").unlink()
    assert tokens.now() == tokens.now() == ("first", "second")
    assert len(complaints) == 1
    assert "cannot be read" in complaints[0]


def test_what_is_wrong_again_is_told_again(tokens: Tokens, write: Write, complaints: list[str]) -> None:
    for content in ("", "fine\n", ""):
        write(content)
        tokens.now()
    assert len(complaints) == 2


def test_no_complaint_and_no_representation_shows_a_token(tokens: Tokens, write: Write, complaints: list[str]) -> None:
    write("s3cret\nno token\n")
    tokens.now()
    assert "s3cret" not in complaints[0] + repr(tokens)
    assert "first" not in repr(tokens)


def test_the_directory_that_a_daemon_changes_to_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    write("first\n")
    monkeypatch.chdir(tmp_path)
    tokens = Tokens((SecretStr("first"),), "token", lambda why: None)
    monkeypatch.chdir("/")
    write("second\n")
    assert tokens.now() == ("second",)
