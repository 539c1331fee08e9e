"""The scripts that start and stop example backends on one host do so, and leave nobody behind."""

import os
import subprocess
from pathlib import Path

from running import ROOT, TWISTD, backends, eventually, free_ports, gateway, up

SCRIPTS = ROOT / "deploy" / "scripts"


def _run(script: str, *arguments: str, **environment: str) -> str:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [str(SCRIPTS / script), *arguments]
    return subprocess.run(command, env=variables, check=True, capture_output=True, text=True, timeout=60).stdout


def test_backends_are_started_by_number_and_leave_in_good_order(tmp_path: Path) -> None:
    first = free_ports(2)
    directory = {"RUN_DIRECTORY": str(tmp_path / "run")}
    with gateway(tmp_path) as (_, port):
        try:
            proxy_url = f"--proxy-url=http://127.0.0.1:{port}"
            _run("start-backends", "2", proxy_url, FIRST_PORT=str(first), TWISTD=str(TWISTD), **directory)
            eventually(lambda: up(port, 2), "both are up")
            assert set(backends(port)) == {f"http://localhost:{first}", f"http://localhost:{first + 1}"}
        finally:
            said = _run("stop-backends", **directory)
        assert said.count("stopped") == 2
        assert backends(port) == {}
    assert _run("stop-backends", **directory) == ""


def test_a_pidfile_of_a_process_that_is_no_backend_harms_nobody(tmp_path: Path) -> None:
    pidfile = tmp_path / "backend-1.pid"
    with subprocess.Popen(["sleep", "60"]) as other:
        pidfile.write_text(str(other.pid))
        assert _run("stop-backends", RUN_DIRECTORY=str(tmp_path)) == ""
        assert other.poll() is None
        other.kill()
    assert not pidfile.exists()
