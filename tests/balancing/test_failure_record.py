"""FailureRecord: who fails more than its peers is held back (the paper's sinkholing)."""

from openprequal.balancing.failures import FailureRecord
from openprequal.probing.estimate import LoadEstimate, PeerLatency
from openprequal.values import Backend


class Peers:
    """*count* backends under one record."""

    def __init__(self, count: int) -> None:
        self.record = FailureRecord()
        self.loads = []
        for number in range(count):
            load = LoadEstimate(Backend(url=f"http://b{number}.test:1"), PeerLatency())
            load.is_up = True
            self.record.joined(load)
            self.loads.append(load)

    def fail(self, number: int, times: int) -> None:
        for _ in range(times):
            self.record.outcome(self.loads[number], failed=True)


def test_one_failure_holds_nobody_back() -> None:
    peers = Peers(3)
    peers.fail(0, 2)
    assert not peers.loads[0].held_back


def test_three_failures_in_a_row_do() -> None:
    peers = Peers(3)
    peers.fail(0, 3)
    assert [load.held_back for load in peers.loads] == [True, False, False]


def test_it_is_tried_again_after_a_while() -> None:
    peers = Peers(3)
    peers.fail(0, 10)
    for _ in range(40):
        peers.record.tick(0.1)
    assert not peers.loads[0].held_back


def test_successes_clear_it() -> None:
    peers = Peers(3)
    peers.fail(0, 3)
    for _ in range(5):
        peers.record.outcome(peers.loads[0], failed=False)
    assert not peers.loads[0].held_back


def test_where_all_fail_alike_none_is_held_back() -> None:
    peers = Peers(3)
    for _ in range(20):
        for number in range(3):
            peers.fail(number, 1)
    assert not any(load.held_back for load in peers.loads)


def test_of_two_the_failing_one_is_held_back() -> None:
    peers = Peers(2)
    peers.fail(1, 50)
    assert [load.held_back for load in peers.loads] == [False, True]


def test_a_failing_backend_that_left_no_longer_excuses_others() -> None:
    peers = Peers(2)
    peers.fail(1, 50)
    peers.record.left(peers.loads[1])
    peers.loads[1].is_up = False
    peers.fail(0, 5)
    assert peers.loads[0].held_back
