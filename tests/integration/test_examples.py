"""The examples of docs/examples, started by the very commands of its page: they join, are seen, and leave unnoticed."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from load import Load
from running import ROOT, ask, backends, eventually, free_ports, gateway, up

PAGE = (ROOT / "docs" / "examples" / "README.md").read_text("utf-8")


def commands(heading: str) -> list[list[str]]:
    """The lines of the last block with a sidecar under that heading."""
    (section,) = re.findall(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    (block,) = [block for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) if "openprequal-backend" in block]
    return [line.split() for line in block.splitlines()]


@contextlib.contextmanager
def started(command: list[str], ports: dict[str, int], gateway_port: int) -> "Iterator[subprocess.Popen[bytes]]":
    """*command* with the page's ports replaced; its whole process group ends with the ``with``."""
    for name, port in ports.items():
        command = [word.replace(name, str(port)) for word in command]
    program = {"python": sys.executable, "twistd": str(Path(sys.executable).with_name("twistd"))}.get(command[0])
    program = program or shutil.which(command[0]) or shutil.which(command[0], path="/usr/local/go/bin")
    assert program, f"{command[0]} is not installed"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OPENPREQUAL", "BACKEND"))},
        "PYTHONPATH": str(ROOT),
        "PROXY_URL": f"http://localhost:{gateway_port}",
        "BACKEND_HEARTBEAT_SECONDS": "1",
    }
    # The pidfile would be in the tree.
    arguments = ["--pidfile=", *command[1:]] if command[0] == "twistd" else command[1:]
    with subprocess.Popen([program, *arguments], cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def example(heading: str, gateway_port: int) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """The service and its sidecar; the URL it is registered by, and the sidecar's process."""
    port = free_ports(2)
    service, sidecar = commands(heading)
    ports = {"8001": port, "5000": port + 1}
    with started(service, ports, gateway_port), started(sidecar, ports, gateway_port) as process:
        yield f"http://localhost:{port}", process


def row_once(gateway_port: int, url: str, what: str, **keys: Any) -> dict[str, Any]:
    """Its row in /backends once the values of *keys* are true of it."""

    def seen() -> dict[str, Any] | None:
        row = backends(gateway_port)[url]
        return row if all(test(row[key]) for key, test in keys.items()) else None

    found: dict[str, Any] = eventually(seen, what)
    return found


@pytest.mark.parametrize("heading", ["Node", "Go"])
def test_an_example_joins_is_seen_takes_traffic_and_leaves_without_a_failed_request(
    tmp_path: Path, heading: str
) -> None:
    with (
        gateway(tmp_path) as (_, port),
        example(heading, port) as (staying, _),
        example(heading, port) as (leaving, sidecar),
    ):
        eventually(lambda: up(port, 2), "both are up", 300)  # Go compiles its library first
        assert ask(port, "/hello").body == f"{heading.lower()} GET /hello\n".encode()
        with Load(port, 8) as load:
            for url in (staying, leaving):
                row = row_once(port, url, "its load is known", rif=lambda rif: rif, latency=lambda latency: latency)
                assert row["load_source"].startswith("report: openprequal")
            sidecar.send_signal(signal.SIGTERM)
            sidecar.wait(20)
            assert set(backends(port)) == {staying}
            count = len(load.requests)
            eventually(lambda: len(load.requests) > count + 50, "the other goes on")
        assert load.failed == []


def test_the_emulated_vllm_is_seen_by_its_metrics_streams_and_leaves_without_a_failed_request(tmp_path: Path) -> None:
    with (
        gateway(tmp_path, "--report-format=vllm") as (_, port),
        example("vLLM", port) as (staying, _),
        example("vLLM", port) as (leaving, sidecar),
    ):
        eventually(lambda: up(port, 2), "both are up")
        with Load(port, 24, "/v1/completions", b'{"max_tokens": 20}') as load:
            for url in (staying, leaving):
                row = row_once(
                    port,
                    url,
                    "its load is known",
                    rif=lambda rif: rif and rif > 8,  # more than run: those that wait count
                    average_latency=lambda latency: latency,
                    load_source=lambda source: source.startswith("report: prometheus (probe)"),
                )
                assert row["picks"]
            sidecar.send_signal(signal.SIGTERM)
            sidecar.wait(20)
            assert set(backends(port)) == {staying}
            count = len(load.requests)
            eventually(lambda: len(load.requests) > count + 10, "the other goes on")
        assert load.failed == []
