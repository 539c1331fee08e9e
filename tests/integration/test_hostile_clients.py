"""Hostile clients of every kind before a real gateway: honest ones are answered, and nothing is left over.

The large version, which also measures, is ``python -m tests.hostile``.
"""

import pytest

from tests.hostile.trial import Trial, held
from tests.integration.running import ask

CONNECTIONS = 2000
SPARE_DESCRIPTORS = 8
SPARE_MEMORY = 48 << 20
"""What the interpreter keeps after its first flood, of any size; a second takes no more."""


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory):
    with Trial.begun(
        tmp_path_factory.mktemp("hostile"), "--client-rate-window-seconds=2", "--header-timeout-seconds=2"
    ) as begun:
        yield begun


def test_after_a_flood_descriptors_and_memory_are_where_they_were_and_no_honest_client_was_failed(
    trial: Trial,
) -> None:
    began, before = trial.now, held(trial.command.pid)
    ended = trial.flood_whole(f"--connections={CONNECTIONS}", "--hold=5", "--at-a-time=500", "--per-second=200")
    assert sum(ended.values()) == CONNECTIONS
    after = trial.settled(before, SPARE_DESCRIPTORS)
    assert after.descriptors <= before.descriptors + SPARE_DESCRIPTORS
    assert after.memory <= before.memory + SPARE_MEMORY
    seen = trial.latency(began, trial.now)
    assert seen.requests
    assert not seen.failed


def test_slow_clients_were_cut_and_counted(trial: Trial) -> None:
    metrics = ask(trial.port, "/metrics").body.decode()
    for reason in ("slow_head", "slow_request", "slow_response"):
        assert f'openprequal_client_connections_cut_total{{reason="{reason}"}}' in metrics, metrics


def test_nothing_is_left_under_way(trial: Trial) -> None:
    metrics = ask(trial.port, "/metrics").body.decode()
    in_flight = [line for line in metrics.splitlines() if line.startswith("openprequal_backend_in_flight{")]
    # Honest clients go on asking, one at a time for each of a few backends.
    assert in_flight
    assert all(float(line.rpartition(" ")[2]) < 20 for line in in_flight)
