"""Whether the upstream is there: seen by looking, and by the traffic."""

import pytest
from twisted.internet.task import Clock

from openprequal.sidecar.readiness import Readiness
from openprequal.testing.network import RawBackend
from openprequal.upstream.connections import Connections

UP = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
HEALTH = b"GET /up HTTP/1.1\r\n"


class Watched:
    """An upstream, looked at; its verdicts in the order in which they were told."""

    def __init__(self, path: str | None = None) -> None:
        self.clock = Clock()
        self.upstream = RawBackend(self.clock, 0, 2.0)
        self.told: list[bool] = []
        self.answered_at = float("-inf")
        self.connections = Connections(self.upstream.dial, self.clock, max_idle=4, idle_timeout_s=60.0)
        self.readiness = Readiness(
            self.clock,
            self.connections,
            self.told.append,
            lambda: self.answered_at,
            path=path,
            authority="a",
            timeout_s=2.0,
        )

    def look(self, answer: bytes | None = None) -> None:
        self.readiness.look()
        self.clock.advance(0)
        self.clock.advance(0)
        if answer is not None:
            self.upstream.answer(answer)
        self.clock.advance(1)


def test_an_upstream_that_accepts_a_connection_is_there() -> None:
    watched = Watched()
    watched.look()
    watched.look()
    assert (watched.told, watched.readiness.ready) == ([True], True)


def test_a_look_leaves_no_connection_behind() -> None:
    watched = Watched()
    watched.look()
    watched.clock.advance(1)
    assert [connection.ended is None for connection in watched.upstream.connections] == [False]


def test_an_upstream_that_was_never_there_is_not_told_of() -> None:
    watched = Watched()
    watched.upstream.refuse()
    watched.look()
    assert watched.told == []


@pytest.mark.parametrize("path", [None, "/up"])
def test_an_upstream_that_refuses_is_gone_at_once_and_back_when_it_accepts(path: str | None) -> None:
    watched = Watched(path)
    watched.look(UP if path else None)
    for connection in watched.upstream.connections:
        connection.close()
    watched.upstream.refuse()
    watched.look()
    assert watched.told == [True, False]
    watched.upstream.accept()
    watched.look(UP if path else None)
    assert watched.told == [True, False, True]


def test_a_refused_request_is_enough() -> None:
    watched = Watched()
    watched.look()
    watched.readiness.refused()
    assert watched.told == [True, False]


def test_an_upstream_that_hangs_is_gone_after_two_looks_took_too_long() -> None:
    watched = Watched("/up")
    watched.look(UP)
    for _ in range(6):
        watched.look()
    assert watched.told == [True, False]


def test_the_health_path_must_be_answered_with_success() -> None:
    watched = Watched("/up")
    watched.look(BROKEN)
    assert watched.told == []
    assert watched.upstream.received.startswith(HEALTH)
    watched.look(UP)
    watched.look(BROKEN)
    assert watched.told == [True]
    watched.look(BROKEN)
    assert watched.told == [True, False]


def test_traffic_that_is_answered_spares_the_look() -> None:
    watched = Watched("/up")
    watched.look(UP)
    watched.answered_at = watched.clock.seconds()
    watched.look()
    assert watched.upstream.received.count(HEALTH) == 1


def test_a_look_under_way_can_be_given_up() -> None:
    watched = Watched("/up")
    watched.readiness.look()
    watched.readiness.stop()
    watched.clock.advance(10)
    assert watched.told == []
    assert not watched.clock.getDelayedCalls()


def test_one_look_is_under_way_at_a_time() -> None:
    watched = Watched()
    watched.upstream.hang()
    for _ in range(2):
        watched.readiness.look()
    assert watched.upstream.dialled == 1
