"""Ports for the programs that a benchmark starts."""

import pytest

from openprequal.bench import processes
from openprequal.bench.processes import free_ports


def test_no_port_is_given_twice_while_there_are_others() -> None:
    given = [port for _ in range(50) for port in free_ports(40)]
    assert len(set(given)) == len(given)


def test_a_long_benchmark_does_not_run_out_of_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    first, beyond = processes._NOT_OUTGOING
    monkeypatch.setattr(processes, "_given", dict.fromkeys(range(first, beyond)))
    assert len(set(free_ports(40))) == 40
