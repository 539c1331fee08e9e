"""Gateways in memory that end with the test that started them; and no test fails because a machine is slow."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from twisted.logger import LogEvent, eventAsText, globalLogPublisher
from whole_gateway import Start, WholeGateway

# Hypothesis would time every example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Thousands of collected tests need not be walked through again at each collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[WholeGateway] = []

    def make(*backends: Any, **given: Any) -> WholeGateway:
        started.append(WholeGateway(*backends, **given))
        return started[-1]

    yield make
    for gateway in started:
        gateway.end()


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every log line, with its traceback."""
    lines: list[str] = []

    def observe(event: LogEvent) -> None:
        lines.append(eventAsText(event, includeTraceback=True, includeTimestamp=False))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)
