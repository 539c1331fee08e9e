"""What comes from files is made again when they change, and stays when what is in them is no good."""

import os
from pathlib import Path

import pytest

from openprequal.errors import ConfigurationError
from openprequal.tls.files import FromFiles


def _number(file: str) -> int:
    try:
        return int(Path(file).read_text())
    except (OSError, ValueError):
        raise ConfigurationError(f"{file} holds no number") from None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "number").write_text("1")
    return tmp_path / "number"


def numbers(file: Path) -> FromFiles[str, int]:
    return FromFiles("a number", str(file), _number, lambda path: [path])


def test_a_file_that_changes_is_read_again(file: Path) -> None:
    made = numbers(file)
    assert not made.look_again()
    file.write_text("22")
    assert made.look_again()
    assert made.current == 22
    assert not made.look_again()


def test_a_link_that_leads_elsewhere_is_a_change(file: Path) -> None:
    link, other = file.with_name("link"), file.with_name("other")
    other.write_text("2")
    os.utime(other, ns=(0, 0))
    os.utime(file, ns=(0, 0))
    link.symlink_to(file)
    made = numbers(link)
    link.unlink()
    link.symlink_to(other)
    assert made.look_again()
    assert made.current == 2


@pytest.mark.parametrize("bad", ["not a number", None])
def test_what_is_no_good_changes_nothing_until_it_is_good_again(file: Path, bad: str | None) -> None:
    made = numbers(file)
    file.unlink()
    if bad is not None:
        file.write_text(bad)
    assert not made.look_again()
    assert made.current == 1
    file.write_text("333")
    assert made.look_again()
    assert made.current == 333


def test_what_cannot_be_made_at_first_is_an_error(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no number"):
        numbers(file.with_name("nowhere"))


def test_what_is_prepared_is_not_in_place(file: Path) -> None:
    made = numbers(file)
    other = file.with_name("other")
    other.write_text("2")
    put_in_place = made.prepare(str(other))
    assert made.current == 1
    put_in_place()
    assert made.current == 2
    assert not made.look_again()
