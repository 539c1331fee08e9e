"""What machine was measured on? One line for the head of a report."""

import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Processor, cores, kernel, Python, and how busy it was before."""
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
