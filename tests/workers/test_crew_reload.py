"""A parent reads its settings, finds what is wrong before anybody takes them, and lets worker after worker do so."""

import json
from typing import Any

import pytest
from crews import Case
from twisted.internet.defer import CancelledError
from twisted.internet.testing import MemoryReactorClock

from openprequal.config.gateway import GatewaySettings
from openprequal.crew_reload import RELOAD_S, CrewReload, of_parent
from openprequal.errors import ConfigurationError, NeedsRestart
from openprequal.tracing.exporter import LAST_TRY_S


class Reading(Case):
    """A crew whose settings change."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = GatewaySettings(**settings)
        self.takes = 0
        self.results: list[Any] = []
        self.reload = CrewReload(MemoryReactorClock(), self.settings, lambda: self.settings, self.crew)
        self.reload.take = self._take
        self.begin()

    def _take(self) -> None:
        self.takes += 1

    def read(self, **settings: Any) -> None:
        self.settings = GatewaySettings(**settings)
        self.reload("somebody").addBoth(self.results.append)

    def answer(self, place: int, **told: object) -> None:
        """The worker answers what it was asked last."""
        question = self.workers[place].heard[-1].head["ask"]
        self.workers[place].say("answer", json.dumps(told).encode(), ask=question)
        self.workers[place].say("answer", ask=question, last=True)


def test_the_parent_takes_them_first_and_then_one_worker_after_the_other() -> None:
    case = Reading()
    case.read(queue_max=7)
    assert case.takes == 1
    assert [worker.kinds() for worker in case.workers] == [["ask"], []]
    case.answer(0, changed=["queue_max"])
    assert case.workers[1].kinds() == ["ask"]
    assert case.results == []
    case.answer(1, changed=["queue_max"])
    assert case.results == [["queue_max"]]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_backends": 3}, NeedsRestart),
        ({"workers": 3}, NeedsRestart),
        ({"load_balancer_class": "ring_hash", "balancer_parameters": {"nonsense": 1}}, ConfigurationError),
        ({"load_balancer_class": "no_such_balancer"}, ConfigurationError),
    ],
)
def test_what_cannot_be_taken_is_taken_by_nobody(settings: dict[str, Any], error: type[Exception]) -> None:
    case = Reading()
    before = case.reload.own_settings
    case.read(**settings)
    assert case.results[0].check(error)
    assert case.takes == 0
    assert case.reload.own_settings is before
    assert [worker.kinds() for worker in case.workers] == [[], []]


def test_what_the_settings_name_is_tried_at_the_start() -> None:
    with pytest.raises(ConfigurationError):
        Reading(load_balancer_class="no_such_balancer")


def test_a_worker_that_does_not_take_them_is_replaced() -> None:
    case = Reading()
    case.read(queue_max=7)
    case.answer(0, error="another file by now")
    case.clock.advance(RELOAD_S)
    assert [worker.kinds() for worker in case.workers] == [["ask", "cease", "stop"], ["ask", "cease", "stop"]]
    assert case.results == [["queue_max"]]


def test_one_reload_waits_for_the_other() -> None:
    case = Reading()
    case.read(queue_max=7)
    case.read(queue_max=8)
    assert case.takes == 1
    case.answer(0, changed=[])
    case.answer(1, changed=[])
    assert case.takes == 2


def test_it_goes_on_when_who_wanted_it_has_gone() -> None:
    case = Reading()
    case.settings = GatewaySettings(queue_max=7)
    wanted = case.reload("somebody")
    wanted.addErrback(lambda failure: failure.trap(CancelledError))
    wanted.cancel()
    assert case.workers[0].kinds() == ["ask"]
    case.answer(0, changed=["queue_max"])
    assert case.workers[0].kinds() == ["ask"]
    assert case.workers[1].kinds() == ["ask"]
    case.answer(1, changed=["queue_max"])
    case.read(queue_max=8)
    assert case.takes == 2


def test_a_parent_chooses_nobody_and_asks_nobody_for_its_load() -> None:
    settings = GatewaySettings(
        load_balancer_class="peak_ewma",
        balancer_parameters={"decay_seconds": 3.0},
        hedge_percentile=95,
        shadow_balancer="prequal",
        services={
            "models": {"report_format": "vllm", "shadow_balancer": "c3"},
            "hashed": {"load_balancer_class": "maglev", "queue_max": 3},
        },
    )
    services = of_parent(settings).effective_services
    assert {service.load_balancer_class for service in services.values()} == {"round_robin"}
    assert {service.report_poll_seconds for service in services.values()} == {None}
    assert {service.shadow_balancer for service in services.values()} == {None}
    assert services["hashed"].queue_max == 3


def test_a_parent_waits_until_its_workers_have_ended_their_requests_and_sent_their_spans() -> None:
    settings = GatewaySettings()
    assert of_parent(settings).shutdown_grace_seconds > settings.shutdown_grace_seconds + LAST_TRY_S


@pytest.mark.parametrize(
    ("settings", "whole"),
    [
        ({}, False),
        ({"load_balancer_class": "ring_hash"}, True),
        ({"load_balancer_class": "openprequal.balancing.maglev.Maglev"}, True),
        ({"sticky": "cookie"}, True),
    ],
)
def test_where_requests_hash_alike_or_sessions_stay_each_worker_needs_all(
    settings: dict[str, Any], whole: bool
) -> None:
    assert Reading(**settings).reload.needs_all("default") is whole
