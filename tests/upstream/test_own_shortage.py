"""What we have run out of says nothing about a backend."""

from errno import ECONNREFUSED, EMFILE

import pytest
from twisted.internet.error import ConnectBindError, ConnectError, ConnectionRefusedError, TimeoutError

from openprequal.upstream.own_shortage import is_own_shortage


@pytest.mark.parametrize(
    "reason",
    [ConnectBindError(EMFILE, "Too many open files"), ConnectError(EMFILE, "Too many"), OSError(EMFILE, "Too many")],
)
def test_a_shortage_of_ours_is_one(reason: Exception) -> None:
    assert is_own_shortage(reason)


@pytest.mark.parametrize(
    "reason",
    [
        ConnectionRefusedError(ECONNREFUSED, "Refused"),
        TimeoutError(),
        ValueError("not HTTP"),
        OSError(ECONNREFUSED, "x"),
    ],
)
def test_what_a_backend_does_is_none(reason: Exception) -> None:
    assert not is_own_shortage(reason)
