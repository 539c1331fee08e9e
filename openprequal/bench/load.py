"""How much did a proxy carry? Runs wrk and reads what it prints."""

import re
import subprocess
from pathlib import Path

from attrs import frozen

from openprequal.bench.processes import StartFailed, on_core
from openprequal.bench.scenarios import Scenario

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@frozen
class Load:
    """What one run of the generator saw."""

    requests: int
    seconds: float
    p50_s: float
    p99_s: float
    bytes_per_s: float
    errors: int
    """Socket errors and time-outs, and responses other than 2xx and 3xx."""

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.seconds


def put_under_load(port: int, scenario: Scenario, connections: int, seconds: int, folder: Path) -> Load:
    """Run wrk against that loopback port, on core 1.

    :raises StartFailed: there is no wrk, or it could not connect.
    """
    command = [*on_core(1), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in scenario.headers:
        command += ["-H", header]
    if scenario.script:
        script = folder / "load.lua"
        script.write_text(scenario.script)
        command += ["-s", str(script)]
    command.append(f"http://127.0.0.1:{port}{scenario.path}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    except FileNotFoundError:
        raise StartFailed("wrk is not installed: apt-get install wrk") from None
    if done.returncode:
        raise StartFailed(f"wrk: {(done.stderr or done.stdout).strip()[-300:]}")
    return read_wrk(done.stdout)


def read_wrk(text: str) -> Load:
    """The figures in wrk's output.

    :raises ValueError: it is none.
    """
    total = re.search(r"(\d+) requests in ([\d.]+)(\w+), ([\d.]+)(\w+) read", text)
    if total is None:
        raise ValueError(f"not the output of wrk: {text[:200]!r}")
    seconds = float(total[2]) * UNITS_S[total[3]]
    scale = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}[total[5]]
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    faults = [*(sockets.groups() if sockets else ()), *(statuses.groups() if statuses else ())]
    return Load(
        requests=int(total[1]),
        seconds=seconds,
        p50_s=_percentile(text, 50),
        p99_s=_percentile(text, 99),
        bytes_per_s=float(total[4]) * scale / seconds,
        errors=sum(int(each) for each in faults),
    )


def _percentile(text: str, which: int) -> float:
    found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m) *$", text, re.MULTILINE)
    return float(found[1]) * UNITS_S[found[2]] if found else float("nan")
