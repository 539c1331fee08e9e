"""systemd takes the units, finds them hardened, and they run what exists."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
MOST_EXPOSURE = 2.0
"""Of 10, by ``systemd-analyze security``; below 3 it calls a service well protected."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, for a gateway that is installed here."""
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8").replace(
            "/opt/openprequal/bin/twistd", str(Path(sys.executable).parent / "twistd")
        )
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def analyze(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is missing: install systemd"
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def test_systemd_has_nothing_to_say_against_the_units(installed: Path) -> None:
    result = analyze(installed, "verify", *(f"./{unit.name}" for unit in installed.iterdir()))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_is_exposed_to_little(unit: Path, installed: Path) -> None:
    result = analyze(installed, "security", "--offline=true", "--no-pager", f"./{unit.name}")
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert float(exposure) <= MOST_EXPOSURE


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_may_use_what_tls_to_backends_needs(unit: Path) -> None:
    assert not re.search(r"^MemoryDenyWriteExecute=", unit.read_text("utf-8"), re.MULTILINE)


def test_the_gateway_is_given_the_socket_that_its_unit_waits_for() -> None:
    service = (UNITS / "openprequal.service").read_text("utf-8")
    assert "Requires=openprequal.socket" in service
    (address,) = re.findall(r"^ListenStream=(\S+)", (UNITS / "openprequal.socket").read_text("utf-8"), re.MULTILINE)
    assert re.fullmatch(r"[0-9.]+:[0-9]+", address)
    assert "--listen systemd:domain=INET:index=0" in service
