"""What is typed for a balancer becomes a rule, or a message that says what there is."""

import pytest

from openprequal.balancing.catalogue import BALANCERS
from openprequal.errors import ConfigurationError
from openprequal.simulation.rules import RIVALS, SIMPLE, rule_of, rules_of
from openprequal.simulation.run import OMNISCIENT, Rule


def test_a_name_is_a_rule() -> None:
    assert rule_of("round_robin") == Rule("round_robin")


def test_parameters_are_numbers_truths_and_texts() -> None:
    rule = rule_of("prequal:q_rif=0,probe_rate=1.5,hold_back_failing=false")
    assert dict(rule.parameters) == {"q_rif": 0, "probe_rate": 1.5, "hold_back_failing": False}
    assert rule.name == "prequal:q_rif=0,probe_rate=1.5,hold_back_failing=false"
    assert rule_of("prequal_sync:hint=path:1").parameters["hint"] == "path:1"
    assert rule_of("prequal:slow_limit=inf").parameters["slow_limit"] == float("inf")


def test_a_whole_number_stays_one() -> None:
    assert isinstance(rule_of("prequal:pool_size=8").parameters["pool_size"], int)


def test_a_rule_named_twice_is_run_once() -> None:
    assert [rule.name for rule in rules_of(["random", "round_robin", "random"])] == ["random", "round_robin"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prequel", "'prequel' is no balancer; there are prequal, .*omniscient"),
        ("prequal:q_rif", "'q_rif' is not of the form parameter=value"),
        ("prequal:q_rif=", "not of the form"),
        ("prequal:qrif=1", "qrif: prequal has no such parameter; allowed: .*q_rif"),
        ("prequal:q_rif=2", "q_rif: 2 cannot be used; allowed: a number from 0 to 1"),
        ("prequal:pool_size=8.0", "pool_size"),
        ("omniscient:q_rif=1", "omniscient has no parameters"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        rule_of(text)


def test_every_rule_that_is_run_by_default_exists() -> None:
    assert set(RIVALS) | set(SIMPLE) <= BALANCERS.keys()
    assert OMNISCIENT not in BALANCERS
