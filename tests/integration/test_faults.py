"""Short versions of ``python -m openprequal.bench faults``: what is counted there, and nothing that is timed."""

import asyncio
from pathlib import Path

from openprequal.bench.faults import failing, killed, poisoned


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
