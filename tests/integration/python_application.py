"""Python applications behind a gateway, started as their documentation says."""

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from running import ROOT, Running, free_ports, running

EXAMPLES = ROOT / "docs" / "examples"


def documented_command(name: str) -> list[str]:
    """The words of the line in an example's own documentation that starts it; the first names its port."""
    text = (EXAMPLES / name / "app.py").read_text("utf-8")
    (line,) = re.findall(r"^    (BACKEND_PORT=8001 .*)$", text, re.MULTILINE)
    return shlex.split(line)


@contextlib.contextmanager
def example(
    name: str, folder: Path, gateway_port: int, *more: str, **environment: str
) -> Iterator[tuple[Running, str]]:
    """That example as a backend of that gateway, by its documented command and *more*; with the URL it registers."""
    port = str(free_ports())
    _, program, *arguments = [word.replace("8001", port) for word in documented_command(name)]
    with application(program, [*more, *arguments], folder, gateway_port, port, **environment) as started:
        yield started


@contextlib.contextmanager
def application(
    program: str, arguments: list[str], folder: Path, gateway_port: int, port: str, **environment: str
) -> Iterator[tuple[Running, str]]:
    """An application that listens on *port*, started by *program*; paths in its arguments are the tree's."""
    told = {
        "BACKEND_PORT": port,
        "PROXY_URL": f"http://localhost:{gateway_port}",
        "BACKEND_HEARTBEAT_SECONDS": "1",
        "BACKEND_RUN_FOLDER": str(folder / f"run-{port}"),
        **environment,
    }
    absolute = [str(ROOT / word) if word.startswith("docs/") else word for word in arguments]
    with running(absolute, folder, told, program) as command:
        yield command, f"http://localhost:{port}"
