"""Short versions of ``python -m openprequal.bench faults``: what is counted there, and nothing that is timed."""

import asyncio
from pathlib import Path

from openprequal.bench.faults.failing import failing
from openprequal.bench.faults.killed import killed
from openprequal.bench.faults.poisoned import poisoned
from openprequal.bench.faults.soak import soak


def test_kills_of_one_backend_after_the_other_cost_no_get(tmp_path: Path) -> None:
    failed = asyncio.run(killed(tmp_path, 6))[0]
    assert failed.value == 0, failed


def test_a_backend_that_fails_at_once_gets_next_to_nothing(tmp_path: Path) -> None:
    first, later = asyncio.run(failing(tmp_path, 4))
    assert first.value < 0.1, first
    assert later.value < 0.02, later


def test_a_request_that_fails_on_every_backend_ejects_none(tmp_path: Path) -> None:
    ejections, up, served = asyncio.run(poisoned(tmp_path, 4))
    assert (ejections.value, up.value, served.value) == (0, 4, 1)


def test_chaos_of_every_kind_leaves_nothing_behind(tmp_path: Path) -> None:
    figures = asyncio.run(soak(tmp_path, 15))
    in_flight, descriptors = figures[:2]
    assert in_flight.good, in_flight
    assert descriptors.good, descriptors
    assert all("GET" not in figure.what or figure.value < 0.05 for figure in figures), figures
