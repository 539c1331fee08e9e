"""A shadow balancer, as operators set it and see it."""

import re
from typing import Any

import pytest
from asked import ask, pick
from whole_gateway import WholeGateway

from openprequal.config.gateway import GatewaySettings
from openprequal.errors import ConfigurationError

SHADOW: dict[str, Any] = {"load_balancer_class": "round_robin", "shadow_balancer": "ring_hash"}


def shadow_metrics(gateway: WholeGateway) -> dict[str, float]:
    page = gateway.get("/metrics").received.decode()
    found = re.findall(r"^(openprequal_shadow\S*_total\{.*?\}) (\S+)$", page, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_rows_of_backends_say_which_part_each_gets_and_would_get() -> None:
    gateway = WholeGateway(2, **SHADOW)
    for _ in range(4):
        ask(gateway)
    assert [row["pick_share"] for row in gateway.rows] == [0.5, 0.5]
    # One client belongs to one backend.
    assert sorted(row["shadow_share"] for row in gateway.rows) == [0.0, 1.0]


def test_rows_say_nothing_of_that_where_there_is_no_shadow() -> None:
    assert (WholeGateway(1).row["pick_share"], WholeGateway(1).row["shadow_share"]) == (None, None)


def test_metrics_compare_both() -> None:
    gateway = WholeGateway(2, **SHADOW)
    for _ in range(4):
        ask(gateway)
    counts = shadow_metrics(gateway)
    assert counts['openprequal_shadow_picks_total{same="true",service="default"}'] == 2
    assert counts['openprequal_shadow_picks_total{same="false",service="default"}'] == 2
    by_backend = [count for name, count in counts.items() if name.startswith("openprequal_shadow_backend_picks_total")]
    assert sorted(by_backend) == [0, 4]


def test_an_explanation_says_what_the_shadow_would_do() -> None:
    gateway = WholeGateway(2, load_balancer_class="round_robin", shadow_balancer="least_in_flight")
    ask(gateway)
    shadow = pick(gateway)["shadow"]
    assert (shadow["balancer"], shadow["reason"], shadow["off"]) == ("LeastInFlight", "least", None)
    assert shadow["agrees"] is (shadow["picked"] == pick(gateway)["picked"])
    assert pick(WholeGateway(1))["shadow"] is None


def test_it_may_be_set_for_one_service() -> None:
    gateway = WholeGateway(["default", "search"], services={"search": {"shadow_balancer": "random"}})
    assert pick(gateway, "?service=search")["shadow"]["balancer"] == "RandomChoice"
    assert pick(gateway, "?service=default")["shadow"] is None


def test_one_comes_and_goes_while_the_gateway_runs() -> None:
    gateway = WholeGateway(2, load_balancer_class="round_robin")
    under_way = gateway.get("/x")
    assert gateway.reload(**SHADOW)[0] == 200
    gateway.answer_all()
    assert under_way.received.startswith(b"HTTP/1.1 200")
    ask(gateway)
    assert sum(row["shadow_share"] for row in gateway.rows) == 1.0
    assert gateway.reload(load_balancer_class="round_robin")[0] == 200
    ask(gateway)
    assert {row["shadow_share"] for row in gateway.rows} == {None}
    assert shadow_metrics(gateway) == {}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"shadow_balancer": "prequall"}, "shadow_balancer: 'prequall' is not known"),
        ({"shadow_balancer": "prequal_sync"}, "shadow_balancer: 'prequal_sync' cannot be a shadow"),
        (
            {"shadow_balancer": "prequal", "shadow_balancer_parameters": {"q_riff": 1}},
            r"shadow_balancer_parameters.q_riff: prequal has no such parameter",
        ),
    ],
)
def test_one_that_cannot_be_made_is_refused_by_its_name(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        WholeGateway(0, **settings)


def test_parameters_without_a_shadow_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shadow_balancer_parameters: default needs shadow_balancer too"):
        GatewaySettings(shadow_balancer_parameters={"q_rif": 1})
