"""What may be said of rate limits, and what is said to who says something wrong."""

from pathlib import Path

import pytest

from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.errors import ConfigurationError
from openprequal.limiting.rate_limits import RateRule
from openprequal.route_making import rate_rules


def gateway(folder: Path, text: str, **flags: str) -> GatewaySettings:
    file = folder / "gateway.toml"
    file.write_text(text)
    return load(GatewaySettings, {name: [given] for name, given in flags.items()}, {}, str(file))


def test_without_a_word_there_are_none(tmp_path: Path) -> None:
    assert rate_rules(gateway(tmp_path, "").effective_rate_limits) == []


def test_a_rule_has_a_name_and_a_burst_if_it_is_given_none(tmp_path: Path) -> None:
    text = """
        [[rate_limits]]
        by = "client"
        per_second = 2.5

        [[rate_limits]]
        name = "keys"
        by = "header:X-Api-Key"
        per_second = 100
        burst = 500
        """
    assert rate_rules(gateway(tmp_path, text).effective_rate_limits) == [
        RateRule("client", "client", 2.5, 3),
        RateRule("keys", "header:X-Api-Key", 100.0, 500),
    ]


def test_the_flag_is_a_rule_beside_those_of_the_file(tmp_path: Path) -> None:
    text = '[[rate_limits]]\nby = "all"\nper_second = 1000\n'
    assert rate_rules(gateway(tmp_path, text, max_requests_per_second_per_client="20").effective_rate_limits) == [
        RateRule("max_requests_per_second_per_client", "client", 20.0, 20),
        RateRule("all", "all", 1000.0, 1000),
    ]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ('by = "address"\nper_second = 1', "by: 'address' cannot be used: must be client, all, or header:NAME"),
        ('by = "header:"\nper_second = 1', "by: 'header:' cannot be used: must be client, all, or header:NAME"),
        ('by = "client"\nper_second = 0', "per_second: 0 cannot be used: must be a number above 0"),
        ('by = "client"', "per_second"),
        ('by = "client"\nper_second = 1\nburst = 0', "burst: 0 cannot be used: must be greater than or equal to 1"),
        ('by = "client"\nper_second = 1\nbrust = 5', "no such setting; did you mean burst?"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, rule: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        gateway(tmp_path, f"[[rate_limits]]\n{rule}\n")
    assert "rate_limits" in str(raised.value)
    assert complaint in str(raised.value)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    rule = '[[{}rate_limits]]\nby = "client"\nper_second = 1\n'
    with pytest.raises(ConfigurationError, match="two are called client: give each a name of its own"):
        gateway(tmp_path, rule.format("") * 2)
    with pytest.raises(ConfigurationError, match=r"routes\.r\.rate_limits: two are called client"):
        gateway(tmp_path, '[[routes]]\nname = "r"\n' + rule.format("routes.") * 2)
