"""What heartbeats say, and how long the pauses between them are, whoever sends them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.agent.heartbeat_body import (
    FIRST_RETRY_S,
    Registration,
    address_of,
    pause_s,
    registration_body,
    unregistration_body,
)
from openprequal.registry.registration import read_registration, read_unregistration
from openprequal.values import LoadReport, LoadState

REGISTRATION = Registration(
    service="default", weight=2.0, health_path="/up", interval_s=30.0, probe_port=9001, priority=1, zone="eu-1"
)
LOAD = LoadReport(3, 0.25, LoadState.WARMING)


def test_a_gateway_understands_all_that_is_said() -> None:
    read = read_registration(registration_body("http://h:8001", REGISTRATION, LOAD), ["default"])
    backend = read.backend
    assert (backend.url, backend.weight, backend.health_path) == ("http://h:8001", 2.0, "/up")
    assert (backend.probe_port, backend.heartbeat_seconds) == (9001, 30.0)
    assert (backend.priority, backend.zone) == (1, "eu-1")
    assert read.load == LOAD


def test_what_is_as_usual_is_not_said() -> None:
    registration = Registration("default", 1.0, "/up", 30.0)
    assert not {"probe_port", "priority", "zone"} & registration_body("http://h:8001", registration, LOAD).keys()


def test_what_is_unregistered_is_what_was_registered() -> None:
    registered = read_registration(registration_body("http://h", REGISTRATION, LOAD), ["default"]).backend
    assert read_unregistration(unregistration_body("http://h", REGISTRATION), ["default"]).id == registered.id


@pytest.mark.parametrize(
    ("url", "address"),
    [("http://h:8001", ("h", 8001)), ("http://h", ("h", 80)), ("https://[::1]/x", ("::1", 443))],
)
def test_an_address_has_the_port_that_the_scheme_means(url: str, address: tuple[str, int]) -> None:
    assert address_of(url) == address


@given(st.integers(0, 10_000), st.floats(0.1, 3600), st.integers())
def test_no_pause_is_longer_than_promised_nor_without_end_short(failures: int, interval_s: float, seed: int) -> None:
    pause = pause_s(failures, interval_s, Random(seed))
    assert min(FIRST_RETRY_S, interval_s) * 0.8 <= pause <= interval_s


def test_a_gateway_that_does_not_answer_is_asked_less_and_less_often() -> None:
    pauses = [pause_s(failures, 30.0, Random(1)) for failures in (1, 2, 3, 4)]
    assert pauses == pytest.approx([pauses[0] * factor for factor in (1, 2, 4, 8)])
