"""The audit of what the image pins: a vulnerability fails it, a network that is away does not."""

import subprocess
from pathlib import Path

import pytest
from running import ROOT

VULNERABLE = '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}'


def audit(folder: Path, *, found: str = "", said: str = "", code: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run it with a program in the place of pip-audit that writes *found*, says *said* and ends with *code*."""
    program = folder / "pip-audit"
    program.write_text(
        f"#!/bin/sh\nfor last; do :; done\nprintf '%s' '{found}' > \"$last\"\necho '{said}' >&2\nexit {code}\n"
    )
    program.chmod(0o755)
    return subprocess.run(
        [ROOT / ".ci" / "audit", program], capture_output=True, text=True, timeout=30, check=False, cwd=folder
    )


def test_nothing_found_is_a_success(tmp_path: Path) -> None:
    done = audit(tmp_path, found='{"dependencies": []}')
    assert (done.returncode, done.stderr) == (0, "")
    assert "no known vulnerability" in done.stdout


def test_a_vulnerability_is_a_failure_that_names_it(tmp_path: Path) -> None:
    done = audit(tmp_path, found=VULNERABLE, said="Found 1 known vulnerability", code=1)
    assert done.returncode == 1
    assert "PYSEC-1" in done.stderr


def test_what_nobody_knows_is_a_warning(tmp_path: Path) -> None:
    done = audit(tmp_path, found='{"dependencies": [{"name": "a", "skip_reason": "not found"}]}')
    assert done.returncode == 0
    assert "knew nothing of 1 of the pins" in done.stderr


@pytest.mark.parametrize("said", ["ConnectionError: Max retries exceeded", "Read timed out.", "SSLError(1)"])
def test_a_network_that_is_away_is_a_warning(said: str, tmp_path: Path) -> None:
    done = audit(tmp_path, said=said, code=1)
    assert done.returncode == 0
    assert "nothing is known" in done.stderr


def test_any_other_trouble_is_a_failure(tmp_path: Path) -> None:
    done = audit(tmp_path, said="requirement file is no good", code=1)
    assert done.returncode == 1
    assert "no good" in done.stderr
