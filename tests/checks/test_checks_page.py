"""What the page on checks says can be done as it is said."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from openprequal.checks.passwords import parse_passwords
from openprequal.cli.route import answer_for, request_of
from openprequal.config.gateway import GatewaySettings

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_settings_of_the_page_can_be_used(example: str) -> None:
    assert GatewaySettings(**tomllib.loads(example)).checks


def test_the_command_of_the_page_makes_a_line_of_the_file() -> None:
    (program,) = re.findall(r"^python -c '(.*)' >> users$", PAGE, re.MULTILINE)
    # Nobody is there to be asked.
    program = program.replace("getpass.getpass()", '"secret"')
    made = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    assert parse_passwords(made, "users").verify("bob", b"secret")


@pytest.mark.parametrize(
    ("path", "checks"), [("/api/x", ["api"]), ("/public/x", None), ("/x", ["staff"]), ("/x/../%61pi", ["api"])]
)
def test_the_command_route_names_the_checks(path: str, checks: list[str] | None) -> None:
    settings = GatewaySettings(**tomllib.loads(EXAMPLES[0]))
    answer = answer_for(settings, request_of("GET", f"https://a.test{path}", []))
    assert answer.get("checks") == checks


def test_the_command_route_names_the_checks_where_there_are_no_routes() -> None:
    settings = GatewaySettings(**{**tomllib.loads(EXAMPLES[0]), "routes": ()})
    assert answer_for(settings, request_of("GET", "https://a.test/", []))["checks"] == ["staff"]
