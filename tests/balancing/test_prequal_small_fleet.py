"""Prequal before three backends and 32 busy connections: the common case of a gateway."""

import pytest
from closed_loop import ClosedLoop, Server


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("queues", [False, True])
def test_a_backend_ten_times_slower_gets_a_small_share(queues: bool, silent: bool) -> None:
    loop = ClosedLoop([Server(work_s, queues=queues, silent=silent) for work_s in (0.02, 0.02, 0.2)])
    loop.run(6.0)
    assert loop.share(2) <= 0.15


@pytest.mark.parametrize("silent", [False, True])
def test_where_requests_do_not_queue_the_slow_one_stays_out_of_the_tail(silent: bool) -> None:
    loop = ClosedLoop([Server(work_s, queues=False, silent=silent) for work_s in (0.02, 0.02, 0.2)])
    # The first connections come at once, before anything is known of anyone.
    loop.run(1.0)
    loop.forget()
    loop.run(2.0, connections=0)
    assert loop.percentile(0.99) < 0.1


def test_without_the_slow_limit_an_idle_slow_backend_wins_by_being_idle() -> None:
    servers = [Server(work_s, queues=False) for work_s in (0.02, 0.02, 0.2)]
    loop = ClosedLoop(servers, {"rule": "hot_cold", "slow_limit": float("inf")})
    loop.run(3.0)
    assert loop.share(2) > 0.02


@pytest.mark.parametrize("silent", [(), (0,), (0, 1, 2)])
def test_equal_backends_get_equal_shares_whoever_reports(silent: tuple[int, ...]) -> None:
    loop = ClosedLoop([Server(0.02, silent=number in silent) for number in range(3)])
    # The first connections come at once, before anything is known of anyone.
    loop.run(1.0)
    loop.forget()
    loop.run(5.0, connections=0)
    # Round robin's would be 0.22: eleven in turn at each.
    assert loop.percentile(0.99) <= 1.05 * 0.22
    assert all(0.28 < loop.share(number) < 0.39 for number in range(3))


def test_a_slow_backend_is_used_again_once_it_is_fast() -> None:
    loop = ClosedLoop([Server(work_s, queues=False) for work_s in (0.02, 0.02, 0.2)])
    loop.run(3.0)
    loop.servers[2].work_s = 0.02
    loop.run(10.0, connections=0)
    loop.forget()
    loop.run(2.0, connections=0)
    assert loop.share(2) > 0.1


def test_a_backend_that_fails_at_once_draws_no_traffic() -> None:
    loop = ClosedLoop([Server(0.02), Server(0.02), Server(0.0005, fails=True)])
    loop.run(6.0)
    assert loop.share(2) < 0.1


def test_without_holding_back_it_would_draw_nearly_all() -> None:
    loop = ClosedLoop([Server(0.02), Server(0.02), Server(0.0005, fails=True)], {"hold_back_failing": False})
    loop.run(2.0)
    assert loop.share(2) > 0.8


def test_where_all_fail_alike_the_choice_goes_on() -> None:
    loop = ClosedLoop([Server(0.02, fails=True) for _ in range(3)])
    loop.run(4.0)
    assert all(0.28 < loop.share(number) < 0.39 for number in range(3))


def test_by_the_letter_spent_reports_mean_random_picks() -> None:
    servers = [Server(work_s, queues=False) for work_s in (0.02, 0.02, 0.2)]
    by_the_letter = ClosedLoop(servers, {"preset": "paper"})
    by_the_letter.run(1.0)
    assert by_the_letter.balancer.pick_counts["random"] > 100
