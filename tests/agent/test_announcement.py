"""Which address of ours a gateway sees."""

import pytest

from openprequal.agent.announcement import local_address


def test_towards_loopback_our_address_is_loopback() -> None:
    assert local_address("127.0.0.1", 8000) == "127.0.0.1"


def test_a_name_that_does_not_resolve_is_an_error() -> None:
    with pytest.raises(OSError, match="."):
        local_address("no-such-host.invalid", 8000)
