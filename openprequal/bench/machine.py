"""What machine was measured on, and how busy is it?"""

import os
import platform
from pathlib import Path

from openprequal.bench.processes import TICKS_PER_S


def busy_s() -> float:
    """Seconds that all its cores together have been busy since it was started, with whatever."""
    user, nice, system, _, _, interrupts, soft, *_ = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(each) for each in (user, nice, system, interrupts, soft)) / TICKS_PER_S


def stolen_s() -> float:
    """Seconds that its cores wanted to work and were not let: a virtual machine's host had others to serve."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / TICKS_PER_S


def describe_machine() -> str:
    """One line for the head of a report: processor, cores, kernel, Python, and how busy it was before."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = os.cpu_count() or 1
    note = "" if cores > 1 else " (load, backends and proxy share it: figures say little)"
    return (
        f"{model}, {cores} cores{note}, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.2f}"
    )
