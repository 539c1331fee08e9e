"""The reactor of the commands."""

import sys
import time

import pytest

from openprequal import reactor


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_timers_do_not_follow_the_wall_clock() -> None:
    assert reactor.PlainEPollReactor.seconds is time.monotonic


def test_a_reactor_that_was_chosen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = object()
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", chosen)  # type: ignore[arg-type]
    reactor.install()
    assert sys.modules["twisted.internet.reactor"] is chosen
