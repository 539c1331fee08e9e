"""The image's file, the scripts and the compose files: linted, and naming only what exists."""

import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from told import mistakes

from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.schema import settings_of

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
HEALTHCHECK = DEPLOY / "docker" / "healthcheck"
SCRIPTS = sorted((DEPLOY / "scripts").iterdir())
PROGRAMS = Path(sys.executable).parent


class Overriding(yaml.SafeLoader):
    """Compose's ``!override`` is what it is put before."""


Overriding.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


def compose(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((DEPLOY / name).read_text(), Overriding)
    return loaded


@pytest.fixture
def healthcheck() -> dict[str, Any]:
    return runpy.run_path(str(HEALTHCHECK))


def test_hadolint_has_nothing_to_say() -> None:
    result = subprocess.run([PROGRAMS / "hadolint", DOCKERFILE], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "")


def test_shellcheck_has_nothing_to_say() -> None:
    shell = [path for path in SCRIPTS if path.read_text().startswith("#!/usr/bin/env bash")]
    assert len(shell) > 4
    result = subprocess.run([PROGRAMS / "shellcheck", *shell], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "")


def test_every_file_that_the_image_copies_exists() -> None:
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.*) \S+$", DOCKERFILE.read_text(), re.MULTILINE):
        assert all((DEPLOY.parent / name).exists() for name in line.split())


def test_both_images_run_as_nobody_by_number_and_without_a_shell() -> None:
    text = DOCKERFILE.read_text()
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    assert re.findall(r'^ENTRYPOINT \["twistd".* "(\S+)"\]$', text, re.MULTILINE) == [
        "openprequal-backend",
        "openprequal",
    ]


@pytest.mark.parametrize(
    ("of", "environment", "address"),
    [
        ("proxy", {}, "http://127.0.0.1:8000/healthz"),
        ("proxy", {"OPENPREQUAL_PORT": "80"}, "http://127.0.0.1:80/healthz"),
        ("proxy", {"OPENPREQUAL_PORT": "80", "OPENPREQUAL_ADMIN_PORT": "81"}, "http://127.0.0.1:81/healthz"),
        ("backend", {}, "http://127.0.0.1:8001/healthz"),
        ("backend", {"BACKEND_PORT": "5", "BACKEND_HEALTH_PATH": "/up"}, "http://127.0.0.1:5/up"),
        ("http://127.0.0.1:9/x", {"OPENPREQUAL_PORT": "80"}, "http://127.0.0.1:9/x"),
    ],
)
def test_the_health_check_asks_where_the_environment_says(
    of: str, environment: dict[str, str], address: str, healthcheck: dict[str, Any]
) -> None:
    assert healthcheck["address"](of, environment) == address


def test_the_health_checks_variables_are_settings() -> None:
    known = {setting.env for model in (GatewaySettings, AgentSettings) for setting in settings_of(model).values()}
    named = set(re.findall(r'environment\.get\("(\w+)"\)', HEALTHCHECK.read_text()))
    assert named
    assert named <= known


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """One that answers 200, but 503 at ``/ill``."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if self.path == "/ill" else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as serving:
        thread = Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "status"), [("/", 0), ("/ill", 1)])
def test_the_health_check_says_whether_it_was_answered_well(
    path: str, status: int, server: HTTPServer, healthcheck: dict[str, Any]
) -> None:
    assert healthcheck["main"](f"http://127.0.0.1:{server.server_port}{path}") == status


def test_the_health_check_fails_where_nobody_listens(healthcheck: dict[str, Any]) -> None:
    assert healthcheck["main"]("http://127.0.0.1:1/") == 1


@pytest.mark.parametrize("name", ["compose.yaml", "compose-redis.yaml"])
def test_compose_tells_containers_settings_that_there_are(name: str, tmp_path: Path) -> None:
    services = compose(name)["services"]
    for service, model in (("proxy", GatewaySettings), ("backend", AgentSettings)):
        environment = services[service].get("environment", {})
        assert mistakes(model, environment, tmp_path) == []


def test_the_settings_of_the_gateways_on_redis_can_be_read(tmp_path: Path) -> None:
    file = DEPLOY / "compose" / "gateway-redis.toml"
    assert tomllib.loads(file.read_text())["registry_class"] == "redis"
    assert mistakes(GatewaySettings, {}, tmp_path, str(file)) == []


@pytest.mark.parametrize("name", ["compose.yaml", "compose-redis.yaml"])
def test_every_file_that_compose_mounts_exists(name: str) -> None:
    mounts = [mount for each in compose(name)["services"].values() for mount in each.get("volumes", ())]
    files = [mount.partition(":")[0] for mount in mounts if mount.startswith(".")]
    assert files
    assert all((DEPLOY / file).is_file() for file in files)


def test_containers_of_compose_are_given_the_time_that_draining_takes() -> None:
    services = compose("compose.yaml")["services"]
    for name, model in (("proxy", GatewaySettings), ("backend", AgentSettings)):
        grace_s = settings_of(model)["shutdown_grace_seconds"].default
        assert "SHUTDOWN_GRACE" not in str(services[name]["environment"])
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > grace_s


def test_containers_of_ours_in_compose_cannot_write_to_their_image() -> None:
    for name, service in compose("compose.yaml")["services"].items():
        if name in ("proxy", "backend"):
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]


def test_grafana_is_provisioned_with_the_dashboard_and_its_source() -> None:
    mounts = dict(mount.split(":")[:2] for mount in compose("compose.yaml")["services"]["grafana"]["volumes"])
    provider = yaml.safe_load((DEPLOY / "compose" / "grafana" / "dashboards.yaml").read_text())["providers"][0]
    assert Path(mounts["./helm/openprequal/files/dashboard.json"]).parent == Path(provider["options"]["path"])
    source = yaml.safe_load((DEPLOY / "compose" / "grafana" / "datasources.yaml").read_text())["datasources"][0]
    assert source["type"] == "prometheus"
