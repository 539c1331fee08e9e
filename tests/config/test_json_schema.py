"""The JSON schema of the settings file: current, valid, and of one mind with what is read."""

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from openprequal.config import json_schema
from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import read
from openprequal.config.schema import settings_of
from openprequal.config.services import ServiceSettings

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
    # That is a file of a registry, not of settings.
    if not block.startswith("[[backends]]")
]


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    return Draft7Validator(json.loads(json_schema.FILE.read_text("utf-8")))


def complaints(validator: Draft7Validator, text: str) -> list[str]:
    return [".".join(map(str, error.path)) for error in validator.iter_errors(tomllib.loads(text))]


def test_the_shipped_schema_is_what_the_settings_say() -> None:
    assert json_schema.FILE.read_text("utf-8") == json_schema.text(), "run docs/configuration.py"


def test_it_is_a_schema(validator: Draft7Validator) -> None:
    Draft7Validator.check_schema(validator.schema)


def test_every_key_is_there_and_says_what_it_is(validator: Draft7Validator) -> None:
    gateway = copy.deepcopy(validator.schema["properties"])
    backend = gateway.pop("backend")["properties"]
    assert gateway.keys() == GatewaySettings.model_fields.keys()
    assert backend.keys() == AgentSettings.model_fields.keys()
    for model, properties in ((GatewaySettings, gateway), (AgentSettings, backend)):
        for name, setting in settings_of(model).items():
            assert properties[name]["description"].startswith(setting.description)


def test_a_service_has_no_defaults_because_they_are_the_gateways(validator: Draft7Validator) -> None:
    properties = validator.schema["$defs"]["ServiceSettings"]["properties"]
    assert properties.keys() == ServiceSettings.model_fields.keys()
    assert not [name for name, each in properties.items() if "default" in each]


def test_nothing_of_our_own_is_in_it(validator: Draft7Validator) -> None:
    def keys(made: Any) -> set[str]:
        if isinstance(made, list):
            return {key for each in made for key in keys(each)}
        if not isinstance(made, dict):
            return set()
        return {key for key, each in made.items() if not isinstance(each, dict)} | keys(list(made.values()))

    assert not keys(validator.schema) & {"group", "env", "text", "secret", "allowed", "writeOnly"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_in_the_documentation_is_valid_and_can_be_read(
    example: str, validator: Draft7Validator, tmp_path: Path
) -> None:
    assert complaints(validator, example) == []
    (tmp_path / "example.toml").write_text(example)
    environ = {"GATEWAY_TOKEN": "s3cret", "REDIS_PASSWORD": "s3cret", "REGISTRY_URL": "redis://h"}
    for model in (GatewaySettings, AgentSettings):
        mistakes = read(model, {}, environ, str(tmp_path / "example.toml")).mistakes
        # What an excerpt refers to may not be in it.
        assert [mistake for mistake in mistakes if not mistake.beside] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "queue_max = 3",
        'body_max_bytes = "none"',
        'queue_max = "${QUEUE_MAX:-3}"',
        'trust_loopback = "${TRUST}"',
        'host_header = "${HOST}"',
        'listen = "tcp:1, tcp:2"',
        'retry_statuses = ["502-504"]',
        'service_max_in_flight = "auto"',
        "balancer_parameters.trial_every = inf",
        'services.a.eject_after_failures = "none"',
        'token = "${TOKEN}"',
        'backend.token = "${file:/run/secrets/token}"',
        'backend.upstream = "unix:///run/app.sock"',
    ],
)
def test_what_is_read_is_valid(text: str, validator: Draft7Validator) -> None:
    assert complaints(validator, text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("prot = 1", ""),
        ("port = 70000", "port"),
        ('queue_max = "many"', "queue_max"),
        ("queue_timeout_seconds = 0", "queue_timeout_seconds"),
        ("trust_loopback = 7", "trust_loopback"),
        ('host_header = "drop"', "host_header"),
        ("listen = 3", "listen"),
        ("listen = [3]", "listen"),
        ('backend_health_path = "healthz"', "backend_health_path"),
        ('token = "s3cret"', "token"),
        ("services = 3", "services"),
        ('services."a/b" = {}', "services"),
        ("services.a.queue_maxx = 1", "services.a"),
        ("services.a.queue_max = -1", "services.a.queue_max"),
        ("services.a.port = 1", "services.a"),
        ('service_max_in_flight = "some"', "service_max_in_flight"),
        ('report_format = "orcha"', "report_format"),
        ('sticky = "cookies"', "sticky"),
        ('rate_limits = [{ by = "clients", per_second = 1 }]', "rate_limits.0.by"),
        ("backend.weight = 0", "backend.weight"),
        ('backend.report_formats = ["json"]', "backend.report_formats"),
        ("backend.prot = 0", "backend"),
    ],
)
def test_what_is_refused_is_invalid(text: str, place: str, validator: Draft7Validator, tmp_path: Path) -> None:
    assert complaints(validator, text) == [place]
    (tmp_path / "wrong.toml").write_text(text)
    model = AgentSettings if text.startswith("backend.") else GatewaySettings
    assert read(model, {}, {}, str(tmp_path / "wrong.toml")).mistakes
