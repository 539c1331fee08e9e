"""Gateways in memory that end with the test that started them."""

from collections.abc import Iterator
from typing import Any

import pytest
from whole_gateway import Start, WholeGateway


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[WholeGateway] = []

    def make(*backends: Any, **settings: Any) -> WholeGateway:
        started.append(WholeGateway(*backends, **settings))
        return started[-1]

    yield make
    for gateway in started:
        gateway.end()
