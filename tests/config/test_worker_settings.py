"""How many workers there may be, and with what they do not go together."""

import os
from typing import Any

import pytest
from pydantic import ValidationError

from openprequal.config.gateway import GatewaySettings


def test_there_is_one_process_unless_one_says_otherwise() -> None:
    assert GatewaySettings().worker_count == 1


@pytest.mark.parametrize("said", [4, "4"])
def test_a_number_is_that_number(said: object) -> None:
    assert GatewaySettings(workers=said).worker_count == 4


def test_auto_is_one_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5}, raising=False)
    assert GatewaySettings(workers="auto").worker_count == 3


@pytest.mark.parametrize("said", [0, -1, 65, "many", 1.5, None])
def test_other_numbers_are_refused(said: object) -> None:
    with pytest.raises(ValidationError, match="auto or a whole number from 1 to 64"):
        GatewaySettings(workers=said)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"listen": ("ssl:443:privateKey=a.pem",)}, "only tcp, tcp6, unix, systemd endpoints can"),
        ({"sticky": "client"}, "client is known to one process alone"),
        ({"services": {"a": {"sticky": "header:X-User"}}}, "services.a.sticky"),
    ],
)
def test_what_one_process_alone_can_do_is_refused_with_several(settings: dict[str, Any], why: str) -> None:
    GatewaySettings(**settings)
    with pytest.raises(ValidationError, match=why):
        GatewaySettings(workers=2, **settings)
