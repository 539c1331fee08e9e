"""What is built can be installed: the wheel brings both commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from running import ROOT

# Words of pip's where there is no way to an index.
_OFFLINE = ("No matching distribution", "Failed to establish", "Connection", "Temporary failure", "Max retries")


def _without_our_sources() -> dict[str, str]:
    # With them on the path pip would take the package for installed.
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _pip(python: Path | str, *arguments: str) -> None:
    done = subprocess.run(
        [str(python), "-m", "pip", "--disable-pip-version-check", "-q", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=_without_our_sources(),
    )
    if done.returncode and os.environ.get("CI") != "true" and any(words in done.stderr for words in _OFFLINE):
        pytest.skip(f"no package index can be reached: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy: building leaves its traces beside setup.py, and takes what it finds there for sources.
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "tests"))
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    (built,) = folder.glob("openprequal-*.whl")
    return built


def test_the_wheel_holds_the_page_of_the_dashboard(wheel: Path) -> None:
    folder = "openprequal/dashboard/static/"
    held = {name.removeprefix(folder) for name in ZipFile(wheel).namelist() if name.startswith(folder)}
    assert held == {path.name for path in (ROOT / folder).iterdir()}


def test_the_wheel_in_an_empty_environment_lists_both_commands(wheel: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", str(empty)], check=True, timeout=60)
    _pip(empty / "bin" / "python", "install", "--no-compile", str(wheel))
    done = subprocess.run(
        [str(empty / "bin" / "twistd"), "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=_without_our_sources(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    commands = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    openprequal")]
    assert commands == ["openprequal", "openprequal-backend"]
