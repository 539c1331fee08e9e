"""Helm, and what the chart makes of each of its documented combinations of values."""

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "openprequal"
COMBINATIONS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").iterdir())
KUBERNETES = "1.31"

Object = dict[str, Any]


def program() -> str:
    """Path of helm, also where ``go install`` puts it.

    :raises AssertionError: there is none.
    """
    found = shutil.which("helm") or shutil.which("helm", path=str(Path.home() / "go" / "bin"))
    assert found, "helm is missing: go install helm.sh/helm/v3/cmd/helm@v3.19.0"
    return found


def helm(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run helm.

    :raises AssertionError: *check*, and it failed.
    """
    result = subprocess.run([program(), *arguments], capture_output=True, text=True, timeout=60)
    assert not check or result.returncode == 0, result.stderr
    return result


def template(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """``helm template`` of the chart."""
    command = ("template", "openprequal", str(CHART), "--namespace", "edge", "--kube-version", f"{KUBERNETES}.0")
    return helm(*command, *arguments, check=check)


@functools.cache
def rendered(combination: str) -> tuple[Object, ...]:
    """The objects that the chart makes of the values ``ci/COMBINATION-values.yaml``."""
    text = template("--values", str(CHART / "ci" / f"{combination}-values.yaml")).stdout
    return tuple(document for document in yaml.safe_load_all(text) if document)


def of_kind(kind: str, combination: str) -> list[Object]:
    return [each for each in rendered(combination) if each["kind"] == kind]


def containers(combination: str) -> list[Object]:
    """All containers of all Deployments."""
    deployments = of_kind("Deployment", combination)
    return [container for each in deployments for container in each["spec"]["template"]["spec"]["containers"]]


def settings_file(combination: str) -> str:
    """The gateway's settings file, as it is mounted."""
    (config,) = of_kind("ConfigMap", combination)
    text: str = config["data"]["gateway.toml"]
    return text
