"""LeastLatency and its power of two."""

from table import BROKEN, CANCELLED, Table


def test_the_lowest_reported_latency_is_picked_however_busy_it_is() -> None:
    table = Table("least_latency", 1, 1, 1)
    for place, latency_s in enumerate((0.3, 0.1, 0.2)):
        table.report(place, 0.0, latency_s)
    assert [table.send() for _ in range(20)] == [1] * 20


def test_measured_latency_stands_in_where_none_is_reported() -> None:
    table = Table("least_latency", 1, 1)
    table.serve(0, 0.3)
    table.serve(1, 0.1)
    assert table.pick() == 1


def test_what_a_backend_reports_goes_before_what_is_measured() -> None:
    table = Table("least_latency", 1, 1)
    table.report(0, 0.0, 0.2)
    table.serve(0, 9.0)
    table.serve(1, 0.3)
    assert table.pick() == 0


def test_a_measured_sample_counts_by_the_time_since_the_last() -> None:
    table = Table("least_latency", 1, 1, decay_seconds=1.0)
    table.serve(0, 0.1)
    table.serve(1, 0.5)
    table.clock.advance(0.01)
    table.serve(0, 1.0)
    assert table.pick() == 0
    table.clock.advance(5.0)
    table.serve(0, 1.0)
    assert table.pick() == 1


def test_an_unknown_backend_gets_one_request_to_learn_of_it() -> None:
    table = Table("least_latency", 1, 1, 1)
    table.report(0, 0.0, 0.1)
    assert sorted([table.send(), table.send()]) == [1, 2]
    assert [table.send() for _ in range(5)] == [0] * 5


def test_a_cancelled_request_told_nothing_and_another_may_try() -> None:
    table = Table("least_latency", 1, 1)
    table.report(0, 0.0, 0.1)
    assert table.send() == 1
    table.finish(1, CANCELLED)
    assert table.send() == 1


def test_latency_is_divided_by_the_weight() -> None:
    table = Table("least_latency", 1, 4)
    table.report(0, 0.0, 0.1)
    table.report(1, 0.0, 0.3)
    assert table.pick() == 1


def test_one_that_fails_fast_does_not_look_fast() -> None:
    table = Table("least_latency", 1, 1)
    table.report(0, 0.0, 0.001)
    table.report(1, 0.0, 0.5)
    table.start(0)
    table.finish(0, BROKEN)
    table.report(0, 0.0, 0.001)
    assert table.pick() == 1
    table.serve(0)
    assert table.pick() == 0


def test_one_passed_over_for_long_is_unknown_again() -> None:
    table = Table("least_latency", 1, 1, forget_seconds=10.0)
    table.serve(0, 0.1)
    table.serve(1, 5.0)
    for _ in range(45):
        table.pass_s(0.2)
        table.serve(0, 0.1)
        assert table.pick() == 0
    for _ in range(15):
        table.pass_s(0.2)
        table.serve(0, 0.1)
    assert table.pick() == 1


def test_polling_shows_that_a_slow_one_is_fast_again() -> None:
    table = Table("least_latency", 1, 1)
    table.answer(0, 0.0, 0.1)
    table.answer(1, 0.0, 5.0)
    table.pass_s(1.0)
    assert table.pick() == 0
    table.answer(1, 0.0, 0.01)
    table.pass_s(1.0)
    assert table.pick() == 1


def test_the_power_of_two_never_picks_the_slowest_of_three() -> None:
    table = Table("least_latency_p2c", 1, 1, 1)
    for place, latency_s in enumerate((0.3, 0.1, 0.2)):
        table.report(place, 0.0, latency_s)
    picked = table.picks(300)
    assert picked[0] == 0
    assert 160 < picked[1] < 240
