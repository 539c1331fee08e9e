"""What may be set on the registry of Kubernetes, and where the API server is by default."""

from pathlib import Path
from typing import Any

import pytest

from openprequal.errors import ConfigurationError
from openprequal.registry.kubernetes.api_server import ApiServer, api_server
from openprequal.registry.kubernetes.parameters import KubernetesParameters, Source
from openprequal.registry.parameters import read_parameters

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def read(**given: Any) -> KubernetesParameters:
    return read_parameters(KubernetesParameters, given, "kubernetes")


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """What the kubelet gives a pod."""
    for name, text in (("token", "abc\n"), ("ca.crt", "pem"), ("namespace", "shop")):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("web", Source(kubernetes_service="web")),
        ("web:http", Source(kubernetes_service="web", port="http")),
        ("web:8080", Source(kubernetes_service="web", port=8080)),
        ("shop/web:http", Source(kubernetes_service="web", port="http", namespace="shop")),
    ],
)
def test_a_service_is_named_in_short(text: str, source: Source) -> None:
    assert read(services={"default": text}).services == (source,)


def test_services_may_be_a_list_of_tables() -> None:
    table = {"service": "api", "kubernetes_service": "web", "namespace": "shop", "port": 8443, "scheme": "https"}
    assert read(services=[table]).services == (Source(**table),)


@pytest.mark.parametrize(
    ("given", "named", "why"),
    [
        ({}, "services", "missing"),
        ({"services": {}}, "services", "must be a table like"),
        ({"services": 7}, "services", "must be a table like"),
        ({"services": {"default": "Web"}}, "services", "default is 'Web': must be SERVICE, SERVICE:PORT"),
        ({"services": {"default": 7}}, "services", "default is 7"),
        ({"services": [7]}, "services[0]", "must be a table"),
        ({"services": [{"kubernetes_service": "web", "port": 0}]}, "services[0].port: 0", "from 1 to 65535"),
        ({"services": [{"kubernetes_service": "web", "port": "a b"}]}, "services[0].port: 'a b'", "name of a port"),
        ({"services": [{"kubernetes_service": "Web"}]}, "services[0].kubernetes_service: 'Web'", "lower-case letters"),
        ({"services": [{"kubernetes_service": "web", "prot": 80}]}, "services[0].prot", "no such key"),
        ({"services": {"default": "web"}, "api_url": "api.test"}, "api_url", "must be http:// or https://"),
        ({"services": {"default": "web"}, "api_url": "https://a:port"}, "api_url", "ort"),
        ({"services": {"default": "web"}, "token": "x"}, "token", "no such parameter"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], named: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as error:
        read(**given)
    assert str(error.value).startswith(f"registry_parameters.{named}")


def test_a_pod_knows_where_the_server_is(account: Path) -> None:
    server = api_server(read(services={"default": "web"}), POD, account)
    assert server == ApiServer("https://10.96.0.1:443", "shop", str(account / "token"), str(account / "ca.crt"))
    assert server.token() == "abc"


def test_the_server_may_have_an_ipv6_address(account: Path) -> None:
    server = api_server(read(services={"default": "web"}), {**POD, "KUBERNETES_SERVICE_HOST": "fd00::1"}, account)
    assert server.url == "https://[fd00::1]:443"


def test_what_is_set_goes_before_what_the_cluster_tells(account: Path) -> None:
    parameters = read(
        services={"default": "web"}, api_url="https://api.test/", namespace="x", token_file="/t", ca_file="/c"
    )
    assert api_server(parameters, POD, account) == ApiServer("https://api.test", "x", "/t", "/c")


def test_a_server_that_is_named_needs_no_service_account(tmp_path: Path) -> None:
    parameters = read(services={"default": "web"}, api_url="http://127.0.0.1:8001")
    assert api_server(parameters, {}, tmp_path) == ApiServer("http://127.0.0.1:8001", "default", None, None)


def test_outside_of_a_pod_the_server_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"registry_parameters.api_url: is missing.*KUBERNETES_SERVICE_HOST"):
        api_server(read(services={"default": "web"}), {}, tmp_path)


def test_a_token_that_is_renewed_counts_at_once(account: Path) -> None:
    server = ApiServer("https://api.test", "default", str(account / "token"), None)
    assert server.token() == "abc"
    (account / "token").write_text("def")
    assert server.token() == "def"


def test_no_token_goes_over_the_wire_in_the_clear(account: Path) -> None:
    assert ApiServer("http://api.test", "default", str(account / "token"), None).token() is None
