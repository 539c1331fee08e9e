"""One run: how are backends, proxies and clients started, told to begin together, and stopped?"""

import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from openprequal.bench.processes import (
    Launch,
    Running,
    StartFailed,
    answers,
    cpu_s_of,
    free_ports,
    listens,
    own_environment,
)
from openprequal.bench.tail import emulation, generator
from openprequal.bench.tail.policies import POLICIES
from openprequal.bench.tail.workloads import WORKLOADS


@frozen
class Task:
    """A run that is to be done."""

    workload: str
    policy: str
    seed: int
    warm_up_s: float
    counted_s: float

    @property
    def key(self) -> tuple[str, str, int, float, float]:
        """As :attr:`~openprequal.bench.tail.record.Record.key`."""
        return self.workload, self.policy, self.seed, self.warm_up_s, self.counted_s


@frozen
class Spent:
    """CPU seconds used until a moment."""

    proxies: float
    generator: float
    emulation: float


class Lane:
    """One run's processes, ended with *started*."""

    def __init__(self, task: Task, folder: Path, started: contextlib.ExitStack) -> None:
        self.task = task
        self._folder = folder
        self._started = started
        self._workload = WORKLOADS[task.workload]
        self._scenario = self._workload.lasting(task.warm_up_s, task.counted_s)
        self._peer = POLICIES[task.policy].peer
        self._backends = free_ports(sum(servers.count for servers in self._scenario.servers))
        self._emulations: list[tuple[Running, int]] = []
        self._proxies: list[tuple[Running, int, Path]] = []
        self._generator: Running | None = None
        joining = self._scenario.joining
        self.joins_s = None if joining is None else joining.at * self._scenario.seconds
        """When, since the beginning, :meth:`join` is to be called; None: never."""
        self._known = self._backends if joining is None else self._backends[:-1]

    def start(self) -> None:
        """Start backends and proxies.

        :raises StartFailed: a program is missing.
        """
        everyone = range(len(self._backends))
        for number, own in enumerate([[each] for each in everyone] if self._workload.burns_cpu else [[*everyone]]):
            name = f"backends-{number}"
            spec = emulation.Spec(
                self.task.workload, self.task.warm_up_s, self.task.counted_s, self.task.seed, self._backends, own
            )
            launch = _python("openprequal.bench.tail.emulation", _written(self._folder / f"{name}.json", asdict(spec)))
            running = self._started.enter_context(Running(launch, None, self._folder, name))
            self._emulations.append((running, self._backends[own[0]]))
        for number, port in enumerate(free_ports(self._scenario.proxies)):
            folder = self._folder / str(number)
            folder.mkdir()
            launch = self._peer.launch(port, self._known, folder)
            running = self._started.enter_context(Running(launch, None, folder, self._peer.name))
            self._proxies.append((running, port, folder))

    def wait_until_ready(self) -> None:
        """Return when all of them answer.

        :raises StartFailed: one does not.
        """
        for running, port in self._emulations:
            running.wait_until(partial(answers, port))
        for running, port, _ in self._proxies:
            running.wait_until(partial(listens, port))
            self._peer.join(port, self._known)
        for running, port, _ in self._proxies:
            running.wait_until(partial(answers, port))

    def begin(self, begin_s: float) -> None:
        """Have the scenario begin at *begin_s* of the monotonic clock."""
        for _, port in self._emulations:
            _ask(port, f"{emulation.BEGIN_PATH.decode()}{begin_s!r}")
        task = self.task
        spec = generator.Spec(
            task.workload,
            task.warm_up_s,
            task.counted_s,
            task.seed,
            [port for _, port, _ in self._proxies],
            begin_s,
        )
        path = _written(self._folder / "generator.json", asdict(spec))
        launch = _python("openprequal.bench.tail.generator", path, str(self._folder / "seen.json"))
        self._generator = self._started.enter_context(Running(launch, None, self._folder, "generator"))

    def join(self) -> None:
        """Make the last backend known to the proxies."""
        with ThreadPoolExecutor(len(self._proxies)) as pool:
            asked = [
                pool.submit(self._peer.admit, running, port, self._backends, folder)
                for running, port, folder in self._proxies
            ]
            for each in asked:
                each.result()

    def cpu(self) -> Spent:
        """CPU time used until now."""
        assert self._generator is not None
        return Spent(
            cpu_s_of(running.pid for running, _, _ in self._proxies),
            cpu_s_of([self._generator.pid]),
            cpu_s_of(running.pid for running, _ in self._emulations),
        )

    def wait_for_end(self, until_s: float) -> None:
        """Return when every request is settled.

        :raises StartFailed: they are not by *until_s* of the monotonic clock.
        """
        assert self._generator is not None
        self._generator.wait_for_end(until_s)

    def terminate(self) -> None:
        """Tell everything to end; waiting for it, one after the other, then takes no longer than the slowest."""
        for running in [running for running, _ in self._emulations] + [running for running, _, _ in self._proxies]:
            running.terminate()

    def seen(self) -> generator.Seen:
        """What the generator saw.

        :raises StartFailed: it left nothing.
        """
        assert self._generator is not None
        try:
            return generator.Seen.of_json((self._folder / "seen.json").read_text())
        except (OSError, ValueError):
            raise StartFailed(f"the generator left nothing: {self._generator.said()}") from None

    def backends_told(self) -> Sequence[Mapping[str, Any]]:
        """What the processes with the backends have to tell, before they are stopped."""
        return [json.loads(_ask(port, emulation.TOLD_PATH.decode())) for _, port in self._emulations]


def _python(module: str, *arguments: str) -> Launch:
    return Launch([sys.executable, "-m", module, *arguments], own_environment())


def _written(path: Path, spec: Mapping[str, Any]) -> str:
    path.write_text(json.dumps(spec))
    return str(path)


def _ask(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return bytes(answer.read())


def sleep_until(at_s: float) -> None:
    """Wait for that moment of the monotonic clock."""
    time.sleep(max(0.0, at_s - time.monotonic()))
