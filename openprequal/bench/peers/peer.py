"""What must be known of a proxy to measure it?"""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from openprequal.bench.processes import Launch, Running, StartFailed


def nothing_more(port: int, backends: Sequence[int]) -> None:
    """Most proxies know their backends from their configuration."""


@frozen
class Peer:
    """A proxy: one worker, access log off, keep-alive on both sides."""

    name: str
    program: Callable[[], str]
    """Where it is; :raises StartFailed: when it is missing, saying how to install it."""
    version_arguments: tuple[str, ...]
    launch: Callable[[int, Sequence[int], Path], Launch]
    """From its port, the backends' ports and a folder of its own to what to run."""
    admit: Callable[[Running, int, Sequence[int], Path], None]
    """While it runs: from now on it has these backends, the last of which is new. The rest as for ``launch``."""
    join: Callable[[int, Sequence[int]], None] = nothing_more
    """Called once it listens."""

    def version(self) -> str:
        """The first line it prints about itself."""
        done = subprocess.run(
            [self.program(), *self.version_arguments], capture_output=True, text=True, timeout=20, check=False
        )
        first = ((done.stdout + done.stderr).strip().splitlines() or ["?"])[0]
        return first.removeprefix(self.program()).strip()


def find(name: str, install: str) -> str:
    """The path of a program, also where only administrators' paths have it.

    :raises StartFailed: it is not there.
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        raise StartFailed(f"{name} is not installed: {install}")
    return path
