"""Ports for the programs that a benchmark starts."""

from openprequal.bench.processes import free_ports


def test_no_port_is_given_twice() -> None:
    given = [port for _ in range(50) for port in free_ports(40)]
    assert len(set(given)) == len(given)
