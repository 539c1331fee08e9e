"""Which address of ours a gateway sees."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openprequal.agent.announcement import url_towards


class Threadless:
    """A reactor and its thread pool that do at once what they are asked to do in another thread."""

    def getThreadPool(self) -> "Threadless":
        return self

    def callFromThread(self, what: Callable[..., Any], *args: Any) -> None:
        what(*args)

    def callInThreadWithCallback(self, told: Callable[[bool, Any], None], what: Callable[..., Any], *args: Any) -> None:
        try:
            result = what(*args)
        except Exception:
            told(False, Failure())
        else:
            told(True, result)


def url(proxy_url: str) -> "Deferred[str]":
    return url_towards(Threadless(), proxy_url, 8001)


@pytest.mark.parametrize("proxy_url", ["http://127.0.0.1:8000", "http://127.0.0.1", "https://127.0.0.1"])
def test_the_gateway_is_told_the_address_that_reaches_it(proxy_url: str) -> None:
    assert SynchronousTestCase().successResultOf(url(proxy_url)) == "http://127.0.0.1:8001"


def test_an_ipv6_address_is_written_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openprequal.agent.announcement.local_address", lambda host, port: "fd00::1")
    assert SynchronousTestCase().successResultOf(url("http://[fd00::2]:8000")) == "http://[fd00::1]:8001"


def test_no_route_is_a_failure_for_the_caller_to_retry() -> None:
    # The broadcast address refuses a socket that has not asked for SO_BROADCAST; nothing is sent or resolved.
    SynchronousTestCase().failureResultOf(url("http://255.255.255.255:8000"), OSError)
