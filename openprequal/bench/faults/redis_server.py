"""How is a Redis started for a trial, and a gateway told of it?"""

from pathlib import Path

from openprequal.bench.peers.peer import find
from openprequal.bench.processes import Launch, Running, listens


def redis_server(folder: Path, port: int) -> Running:
    """A Redis that listens, and keeps nothing when it ends.

    :raises StartFailed: there is no ``redis-server``, or it does not start.
    """
    command = [find("redis-server", "apt-get install redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    running = Running(Launch(command), None, folder, f"redis-{port}")
    running.wait_until(lambda: listens(port))
    return running


def told_of_redis(folder: Path, port: int) -> str:
    """The gateway's flag that makes it have its registry there."""
    file = folder / f"redis-{port}.toml"
    file.write_text(f'registry_class = "redis"\n[registry_parameters]\nurl = "redis://127.0.0.1:{port}"\n')
    return f"--config={file}"
