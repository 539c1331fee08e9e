"""LeastInFlight and its power of two: our own requests, by weight."""

from table import CANCELLED, Table


def test_the_one_with_the_fewest_requests_of_ours_is_picked() -> None:
    table = Table("least_in_flight", 1, 1, 1)
    table.start(0, 2)
    table.start(1, 1)
    table.start(2, 3)
    assert table.pick() == 1


def test_ties_go_round_from_the_last_pick() -> None:
    table = Table("least_in_flight", 1, 1, 1, 1)
    assert [table.pick() for _ in range(6)] == [0, 1, 2, 3, 0, 1]
    table.start(2)
    assert [table.pick() for _ in range(4)] == [3, 0, 1, 3]


def test_one_that_is_excluded_is_passed_over_for_the_next_in_the_round() -> None:
    table = Table("least_in_flight", 1, 1, 1)
    assert [table.pick(exclude=[0]), table.pick(exclude=[2]), table.pick()] == [1, 0, 1]


def test_when_all_the_idle_are_excluded_the_least_busy_is_picked() -> None:
    table = Table("least_in_flight", 1, 1, 1)
    table.start(1, 2)
    table.start(2, 1)
    assert table.pick(exclude=[0]) == 2
    assert table.pick() == 0


def test_in_flight_is_divided_by_the_weight() -> None:
    table = Table("least_in_flight", 1, 4)
    table.start(0)
    assert [table.send() for _ in range(4)] == [1, 1, 1, 1]
    assert sorted([table.send(), table.send()]) == [0, 1]


def test_a_request_that_ended_makes_room_however_it_ended() -> None:
    table = Table("least_in_flight", 1, 1)
    table.start(0)
    table.start(1)
    table.finish(1, CANCELLED)
    assert table.pick() == 1


def test_requests_under_way_count_when_their_backend_comes_back() -> None:
    table = Table("least_in_flight", 1, 1)
    table.start(0)
    table.balancer.down(table.backends[0])
    table.balancer.up(table.backends[0])
    assert [table.pick(), table.pick()] == [1, 1]


def test_reports_mean_nothing_to_it() -> None:
    table = Table("least_in_flight", 1, 1)
    table.report(0, 1000.0, 10.0)
    assert table.picks(10) == {0: 5, 1: 5}


def test_the_power_of_two_never_picks_the_busiest_of_three() -> None:
    table = Table("least_in_flight_p2c", 1, 1, 1)
    table.start(0, 5)
    table.start(1, 1)
    picked = table.picks(300)
    assert picked[0] == 0
    # Two of the three pairs hold the idle one.
    assert 160 < picked[2] < 240


def test_the_power_of_two_draws_at_random_among_equals() -> None:
    picked = Table("least_in_flight_p2c", 1, 1, 1, 1).picks(400)
    assert all(60 < picked[place] < 140 for place in range(4))


def test_the_power_of_two_divides_by_the_weight() -> None:
    table = Table("least_in_flight_p2c", 1, 4)
    table.start(0)
    table.start(1, 3)
    assert table.picks(20) == {1: 20}


def test_picks_are_counted_as_the_least() -> None:
    table = Table("least_in_flight", 1, 1)
    table.picks(7)
    assert table.balancer.pick_counts == {"least": 7}
