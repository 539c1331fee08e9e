"""What the image installs is pinned, hashed, and all that the package needs."""

import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PINNED = ROOT / "deploy" / "docker" / "requirements.txt"


def wanted() -> list[Requirement]:
    """``install_requires`` of setup.py."""
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            return [Requirement(text) for text in ast.literal_eval(node.value)]
    raise AssertionError("setup.py has no install_requires")


def pins() -> dict[str, str]:
    """Version by name; each block of the file is one."""
    lines = re.sub(r"\\\n", " ", PINNED.read_text("utf-8")).splitlines()
    found = {}
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            match = re.fullmatch(r"([a-z0-9-]+)==(\S+)((?: +--hash=sha256:[0-9a-f]{64})+)\s*", line)
            assert match, f"not one version with hashes: {line[:80]}"
            found[match[1]] = match[2]
    return found


@pytest.mark.parametrize("requirement", wanted(), ids=lambda requirement: requirement.name)
def test_the_image_pins_what_the_package_needs(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_the_image_pins_what_tls_needs() -> None:
    assert {"pyopenssl", "service-identity", "idna"} <= set(pins())
