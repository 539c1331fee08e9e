"""Settings of TLS and the PROXY protocol that do not fit together, or lead to nothing, are told in one line."""

from pathlib import Path

import pytest
import trustme
from tls_client import written
from twisted.internet.testing import MemoryReactorClock

from openprequal.assembly import gateway
from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.errors import ConfigurationError


def settings(*flags: str) -> GatewaySettings:
    given: dict[str, list[str]] = {}
    for flag in flags:
        name, _, value = flag.partition("=")
        given.setdefault(name, []).append(value)
    return load(GatewaySettings, given, {})


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["tls_port=8443"], "tls_certificate: must be set, because of tls_port or of tls: in listen"),
        (["listen=tls:tcp:8443"], "tls_certificate: must be set, because of tls_port or of tls: in listen"),
        (["tls_certificate=a.pem"], "tls_certificate: needs TLS to listen on: set tls_port, or put tls: before"),
        (["admin_listen=tls:tcp:8100"], "admin_listen: tls: can only be put before what listen names"),
        (["tls_port=8000", "tls_certificate=a.pem"], "tls_port: 8000 is taken by port or admin_port"),
        (
            ["tls_port=8443", "tls_certificate=a.pem", "tls_client_certificates=required"],
            "tls_client_certificates: required needs tls_client_ca_file too",
        ),
        (["tls_min_version=1.1"], "--tls-min-version: '1.1' cannot be used: must be 1.2 or 1.3"),
        (["tls_client_subject_header=a b"], "must be a field name"),
        (["proxy_protocol_from=everybody"], "must be networks like 10.0.0.0/8 or fd00::/8"),
        (["upstream_server_name=a/b"], "must be a host name"),
        (["upstream_proxy_protocol=v3"], "must be none or v1 or v2"),
    ],
)
def test_what_cannot_be_meant_is_told(flags: list[str], line: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings(*flags)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_port_for_tls_is_listened_on_beside_the_other() -> None:
    plain, over_tls = settings("port=80", "tls_port=443", "tls_certificate=a.pem").endpoints
    assert over_tls == "tls:" + plain.replace(":80:", ":443:")


def test_an_endpoint_may_be_put_under_tls() -> None:
    assert settings("listen=tls:unix:/run/a.sock", "tls_certificate=a.pem").endpoints == ("tls:unix:/run/a.sock",)


def test_files_are_read_before_anything_is_listened_on(tmp_path: Path) -> None:
    good = written(trustme.CA().issue_cert("a.example"), tmp_path / "good.pem")
    (tmp_path / "bad.pem").write_text("nothing")
    for flags, named in (
        ([f"tls_certificate={tmp_path}/bad.pem"], "tls_certificate: "),
        ([f"tls_certificate={good},{tmp_path}/none.pem"], "none.pem' cannot be read"),
        ([f"tls_certificate={good}", f"tls_client_ca_file={tmp_path}/bad.pem"], "tls_client_ca_file: "),
        ([f"tls_certificate={good}", f"upstream_ca_file={tmp_path}/bad.pem"], "upstream_ca_file: "),
        ([f"tls_certificate={good}", f"upstream_certificate_file={tmp_path}/bad.pem"], "upstream_certificate_file: "),
    ):
        with pytest.raises(ConfigurationError, match=named):
            gateway(MemoryReactorClock(), settings("tls_port=8443", *flags))
