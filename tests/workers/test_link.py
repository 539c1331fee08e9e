"""A worker does what its parent says."""

from random import Random
from typing import Any

import pytest
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import Clock

from openprequal.admin.access import told_by_proxy_protocol
from openprequal.registry.told import ToldRegistry
from openprequal.testing.network import RawBackend
from openprequal.workers.counts import CountsMap, OwnCounts, made
from openprequal.workers.framing import Message
from openprequal.workers.link import Link
from openprequal.workers.relay import Relay
from openprequal.workers.told_health import ToldHealth
from openprequal.workers.worker import particulars

CELLS = 8


class Ending(Clock):
    """A reactor that has been told to stop already, by SIGTERM."""

    def stop(self) -> None:
        raise ReactorNotRunning


class Case:
    """A worker that is told of backends."""

    def __init__(self) -> None:
        clock = Ending()
        self.backend = RawBackend(clock, 0, 1.0).backend
        self.counts = OwnCounts(CountsMap(made(1, CELLS), 1, CELLS), 0)
        health = ToldHealth(clock, Random(1), {}, lambda backend: None, rules={})
        relay = Relay(told_by_proxy_protocol)
        nothing: Any = lambda *_: None  # noqa: E731
        self.link = Link(clock, ToldRegistry(), health, self.counts, relay, [], {}, nothing, nothing, nothing)

    def hear(self, kind: str, **told: object) -> None:
        self.link.hear(kind, Message(told))


def test_the_cell_of_a_backend_is_its_own_as_long_as_it_exists() -> None:
    case = Case()
    case.hear("joined", n=1, backend=particulars(case.backend), cell=3)
    assert case.counts.cell_of(case.backend.id) == 3
    case.hear("left", n=2, id=case.backend.id, reason="unregistered")
    assert case.counts.cell_of(case.backend.id) is None


@pytest.mark.parametrize("message", ["stop", None])
def test_one_that_ends_already_may_be_told_to_or_lose_its_parent(message: str | None) -> None:
    case = Case()
    case.link.startService()
    if message is not None:
        case.hear(message)
    else:
        case.link._lost()
    assert case.link.running
