"""References in the file's texts: what they stand for, and that it is never shown."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.config.substitution import Substitution
from openprequal.errors import ConfigurationError

ENVIRON = {"NAME": "value", "OTHER": "more", "EMPTY": "", "NUMBER": "7"}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("plain", "plain"),
        ("${NAME}", "value"),
        ("a${NAME}b${OTHER}c", "avaluebmorec"),
        ("${NAME:-default}", "value"),
        ("${ABSENT:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${ABSENT:-}", ""),
        ("$${NAME}", "${NAME}"),
        ("$$$$", "$$"),
        ("^/a$", "^/a$"),
        ("$NAME", "$NAME"),
    ],
)
def test_a_reference_stands_for_a_variable(text: str, meaning: str) -> None:
    assert Substitution(ENVIRON).replaced(text, ()) == meaning


def test_what_a_variable_holds_is_not_replaced_again() -> None:
    assert Substitution({"A": "${B}", "B": "no"}).replaced("${A}", ()) == "${B}"


def test_texts_are_replaced_wherever_they_are_but_not_in_keys() -> None:
    value = {"a": ["${NAME}", 1, {"${NAME}": "${OTHER}"}], "b": True}
    assert Substitution(ENVIRON).replaced(value, ()) == {"a": ["value", 1, {"${NAME}": "more"}], "b": True}


def test_a_file_is_read_without_the_space_around_its_content(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    assert Substitution({}).replaced(f"${{file:{tmp_path}/secret}}", ()) == "s3cret"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${ABSENT}", "${ABSENT}: the environment variable ABSENT is not set"),
        ("${EMPTY}", "${EMPTY}: the environment variable EMPTY is not set"),
        ("${1}", "'${1}' cannot be used: must be ${NAME}, ${NAME:-default}, ${file:PATH}, or $$ for a dollar sign"),
        ("${NAME", "'${NAME' cannot be used"),
        ("${}", "'${}' cannot be used"),
        ("${file:/no/such}", "${file:/no/such}: cannot be read: No such file or directory"),
    ],
)
def test_a_reference_to_nothing_is_noted_where_it_is(text: str, words: str) -> None:
    substitution = Substitution(ENVIRON)
    assert substitution.replaced({"a": [text]}, ("b",)) == {"a": [text]}
    (mistake,) = substitution.mistakes
    assert mistake.reason.startswith(words)
    assert mistake.about == ("b", "a", 0)


@given(st.text(max_size=40))
def test_any_text_is_replaced_or_noted(text: str) -> None:
    substitution = Substitution(ENVIRON)
    assert isinstance(substitution.replaced(text, ()), str)
    assert all(mistake.reason for mistake in substitution.mistakes)


def loaded(tmp_path: Path, text: str, **environ: str) -> GatewaySettings:
    (tmp_path / "gateway.toml").write_text(text)
    return load(GatewaySettings, {}, environ, str(tmp_path / "gateway.toml"))


def test_a_number_or_a_switch_may_come_from_a_variable(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        'queue_max = "${N}"\ntrust_loopback = "${S}"\nlisten = "${L}"\nbody_max_bytes = "${B}"\n',
        N="7",
        S="no",
        L="tcp:1,tcp:2",
        B="none",
    )
    assert (settings.queue_max, settings.trust_loopback, settings.body_max_bytes) == (7, False, None)
    assert settings.listen == ("tcp:1", "tcp:2")


def test_a_token_may_be_in_the_file_as_a_reference_only(tmp_path: Path) -> None:
    (token,) = loaded(tmp_path, 'token = "${T}"', T="s3cret").token
    assert token.get_secret_value() == "s3cret"
    with pytest.raises(ConfigurationError, match=r"gateway.toml:1: token: a secret: write \$\{NAME\}") as error:
        loaded(tmp_path, 'token = "s3cret"')
    assert "s3cret" not in str(error.value)


def test_a_variable_cannot_add_keys(tmp_path: Path) -> None:
    assert loaded(tmp_path, 'zone = "${Z}"', Z='x"\nport = 1').port == 8000


def test_what_only_the_other_command_reads_is_not_looked_up(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[backend]\nname = "${ABSENT}"\n').port == 8000


@pytest.mark.parametrize("secret", ["s3cret", "ab", 'it\'s "quoted"', "two\nlines", "x" * 200])
@pytest.mark.parametrize(
    "line",
    [
        'port = "${S}"',
        'host_header = "${S}"',
        'trusted_proxies = ["10.0.0.0/8", "${S}"]',
        'health_statuses = ["${S}"]',
        'services = {a = {queue_max = "${S}"}}',
        'token = "a ${S}"',
        'backend_health_path = "no/${S}"',
        'balancer_parameters = "${S}"',
    ],
)
def test_what_was_put_in_is_never_shown(line: str, secret: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        loaded(tmp_path, line, S=secret)
    shown: Any = str(error.value).replace(str(tmp_path), "")
    for hidden in (secret, repr(secret)[1:-1]):
        assert hidden not in shown.replace("table", "")
    assert len(shown.splitlines()) == 1
