"""Where a key stands, and what of a file that is no TOML can be read all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openprequal.config.toml_file import TomlFile
from openprequal.errors import ConfigurationError

Write = Callable[[str], TomlFile]

WHOLE = """\
# a comment
port = 1

listen = [
    "tcp:1",  # [services.not]
    "tcp:2",
]
text = '''
port = 2
[services.no]
'''
services.dotted.queue_max = 3
inline = { a = 1, b = [1, 2] }

[services.api]
queue_max = 4

[[routes]]
path = "/a"

[[routes]]
path = "/b"
[routes.match]
host = "c"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(text: str) -> TomlFile:
        (tmp_path / "file.toml").write_text(text)
        return TomlFile(str(tmp_path / "file.toml"))

    return make


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("port",), 2),
        (("listen",), 4),
        (("listen", 1), 4),
        (("text",), 8),
        (("services", "dotted", "queue_max"), 12),
        (("inline", "b", 1), 13),
        (("services", "api"), 15),
        (("services", "api", "queue_max"), 16),
        (("routes", 0, "path"), 19),
        (("routes", 1), 21),
        (("routes", 1, "path"), 22),
        (("routes", 1, "match", "host"), 24),
    ],
)
def test_a_key_is_found_where_its_statement_begins(path: tuple[str | int, ...], line: int, write: Write) -> None:
    assert write(WHOLE).line_of(path) == line


def test_what_is_not_said_is_where_the_last_that_holds_it_is_said(write: Write) -> None:
    file = write(WHOLE)
    assert file.line_of(("routes", 1, "match", "no", "such")) == 23
    assert file.line_of(("no", "such")) is None
    assert file.place(("no", "such")) == f"{file.name}: no.such"


def told(file: TomlFile) -> list[str]:
    """Its mistakes, without the name of the file."""
    assert all(text.startswith(f"{file.name}:{line}:") for line, text in file.mistakes)
    return [text.removeprefix(f"{file.name}:") for _, text in file.mistakes]


def test_a_key_that_is_set_twice_has_its_first_value(write: Write) -> None:
    file = write("a = 1\nb = 2\na = [\n  3,\n]\nc = 4\n")
    assert told(file) == ["3: a: is set twice"]
    assert file.document == {"a": 1, "b": 2, "c": 4}
    assert file.whole


def test_a_table_that_is_there_twice_is_left_out_up_to_the_next(write: Write) -> None:
    file = write("[a]\nx = 1\n[a]\ny = 2\n[b]\nz = 3\n")
    assert told(file) == ["3: a: is set twice"]
    assert file.document == {"a": {"x": 1}, "b": {"z": 3}}


def test_every_broken_line_is_told_and_the_others_are_read(write: Write) -> None:
    file = write("a = = 1\nb = 2\nc 3\nd = 4\n")
    assert told(file) == [
        "1:5: is not TOML: Invalid value",
        "3:3: is not TOML: Expected '=' after a key in a key/value pair",
    ]
    assert file.document == {"b": 2, "d": 4}
    assert not file.whole


@pytest.mark.parametrize(
    "broken", ["[b\nc = 1\n", "b = [\n  1,\nc = 2\n", 'b = """\nc = 2\n', "b = = [\n  1,\n  2,\n]\nc = 3\n"]
)
def test_what_may_only_follow_from_a_mistake_is_not_told(broken: str, write: Write) -> None:
    file = write("a = 1\n" + broken)
    assert len(file.mistakes) == 1
    assert file.document == {"a": 1}
    assert not file.whole


def test_a_secret_on_a_broken_line_is_not_shown(write: Write) -> None:
    file = write('token = "s3cret"\ntoken = "s3cret"\npassword = "s3cret" "\n')
    assert len(file.mistakes) == 2
    assert "s3cret" not in str(file.mistakes)


def test_what_is_not_ended_is_told_where_it_begins(write: Write) -> None:
    file = write('a = 1\nb = """\n' + "c = 2\n" * 300)
    assert [line for line, _ in file.mistakes] == [2]


def test_what_is_no_text_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "file.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        TomlFile(str(tmp_path / "file.toml"))


LINES = st.sampled_from(
    [
        "a = 1",
        "a = 2",
        "b = [",
        "]",
        "1,",
        "[a]",
        "[a.b]",
        "[[c]]",
        "x = {",
        "}",
        '"""',
        "q = '''",
        "= =",
        "",
        "# [a]",
        "\r",
        "é",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=12))
def test_any_lines_are_read_or_told(lines: list[str], write: Write) -> None:
    file = write("\n".join(lines))
    assert isinstance(file.document, dict)
    for line, text in file.mistakes:
        assert 1 <= line <= max(1, len(lines))
        assert "\n" not in text
