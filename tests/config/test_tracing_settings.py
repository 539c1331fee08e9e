"""What may be said of tracing."""

import pytest

from openprequal.config.gateway import GatewaySettings


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
