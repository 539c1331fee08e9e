"""What may be said of tracing."""

from typing import Any

import pytest

from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.errors import ConfigurationError


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("https://collector.test/otlp/v1/traces", "https://collector.test/otlp/v1/traces"),
        ("https://[::1]:4318/x?y=1", "https://[::1]:4318/x?y=1"),
        (None, None),
    ],
)
def test_the_path_is_the_usual_one_unless_there_is_one(endpoint: str | None, url: str | None) -> None:
    assert GatewaySettings(tracing_endpoint=endpoint).traces_url == url


@pytest.mark.parametrize(
    ("flags", "environment", "complaint"),
    [
        ({"tracing_endpoint": "localhost:4318"}, {}, "must be a URL like http://localhost:4318"),
        ({"tracing_endpoint": "grpc://localhost:4317"}, {}, "must be a URL like http://localhost:4318"),
        ({"tracing_endpoint": "http://"}, {}, "must be a URL like http://localhost:4318"),
        ({"tracing_endpoint": "http://ann:word@localhost"}, {}, "without a user"),
        ({"tracing_endpoint": "http://a b"}, {}, "must be a URL like http://localhost:4318"),
        ({"tracing_sample": "1.5"}, {}, "must be a number from 0 to 1"),
        ({"tracing_parents": "some"}, {}, "must be trusted or all or none"),
        ({}, {"OPENPREQUAL_TRACING_HEADERS": "X-Key: secret"}, "NAME=VALUE, several with commas"),
        ({}, {"OPENPREQUAL_TRACING_HEADERS": "X-Key=a\r\nX-Other: b"}, "NAME=VALUE, several with commas"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_can(
    flags: dict[str, str], environment: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(GatewaySettings, {name: [value] for name, value in flags.items()}, environment)
    assert complaint in str(refused.value)
    assert "secret" not in str(refused.value)


def test_header_fields_come_from_the_environment_and_are_not_shown() -> None:
    environment = {"OPENPREQUAL_TRACING_HEADERS": "Authorization=Bearer a=b==, X-Key=secret"}
    settings = load(GatewaySettings, {}, environment)
    assert settings.tracing_fields == (("Authorization", "Bearer a=b=="), ("X-Key", "secret"))
    assert "secret" not in repr(settings)


def test_by_default_nothing_is_sent_along() -> None:
    settings: Any = GatewaySettings()
    assert (settings.tracing_fields, settings.traces_url) == ((), None)
