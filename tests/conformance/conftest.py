"""One scripted backend and one gateway process for all cases."""

from collections.abc import Iterator

import pytest

from .backend import Backend
from .gateways import openprequal
from .runner import Target


@pytest.fixture(scope="session")
def gateway() -> Iterator[Target]:
    """The gateway with its defaults in front of the scripted backend."""
    backend = Backend()
    try:
        with openprequal(backend) as target:
            yield target
    finally:
        backend.stop()
