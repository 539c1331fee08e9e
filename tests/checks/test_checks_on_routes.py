"""Checks as the settings name them, in the whole gateway: on which routes they stand, and what reload makes of them."""

from pathlib import Path
from typing import Any

import pytest
from tokens import EPOCH, jwk, key_set, rsa_key, token
from whole_gateway import Start, WholeGateway, status

from openprequal.config.gateway import GatewaySettings
from openprequal.errors import ConfigurationError


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a check that takes tokens of our key."""
    monkeypatch.setattr("openprequal.assembly.time.time", lambda: EPOCH)
    keys = tmp_path / "keys.json"
    keys.write_bytes(key_set(jwk(rsa_key(), kid="k1")))
    return {"kind": "jwt", "jwks_file": str(keys), "claim_headers": {"sub": "X-User"}}


def ask(case: WholeGateway, path: str = "/x", *lines: bytes, method: bytes = b"GET") -> int:
    """The status of what is answered, by a backend too."""
    client = case.client()
    client.send(b"\r\n".join([method + b" " + path.encode() + b" HTTP/1.1", b"Host: localhost", *lines, b"", b""]))
    case.wait(0)
    case.answer_all()
    return status(client)


def believed() -> bytes:
    return b"Authorization: Bearer " + token().encode()


def test_a_route_lets_through_whom_its_check_admits(start: Start, check: dict[str, Any]) -> None:
    routes = [{"name": "api", "path_prefix": "/api", "checks": ["staff"]}, {"name": "rest"}]
    case = start(checks={"staff": check}, routes=routes)
    assert ask(case, "/rest") == 200
    assert ask(case, "/api") == 401
    assert ask(case, "/a/../%61pi") == 401
    assert ask(case, "/api", believed(), b"X-User: admin") == 200
    assert b"\r\nX-User: ann\r\n" in case.backend.received
    assert b"admin" not in case.backend.received
    assert b"Bearer" not in case.backend.received


def test_without_routes_the_default_checks_are_for_all(start: Start, check: dict[str, Any]) -> None:
    case = start(checks={"staff": check}, default_checks=["staff"])
    assert ask(case) == 401
    assert ask(case, "/x", believed()) == 200


def test_a_route_may_be_free_of_the_default_checks(start: Start, check: dict[str, Any]) -> None:
    routes = [{"name": "open", "path_prefix": "/open", "checks": []}, {"name": "rest"}]
    case = start(checks={"staff": check}, default_checks=["staff"], routes=routes)
    assert ask(case, "/open") == 200
    assert ask(case, "/rest") == 401


def test_our_own_paths_are_not_concerned(start: Start, check: dict[str, Any]) -> None:
    case = start(checks={"staff": check}, default_checks=["staff"])
    assert ask(case, "/readyz") == 200
    assert len(case.rows) == 1


def test_a_mirror_gets_nothing_that_was_not_admitted(start: Start, check: dict[str, Any]) -> None:
    routes = [{"name": "all", "checks": ["staff"], "mirror": {"service": "copy"}}]
    case = start(checks={"staff": check}, routes=routes, services={"copy": {}})
    case.post("/register", {"url": case.backends[0].url, "service": "copy"})
    case.wait(0.3)
    case.answer_all()
    assert ask(case) == 401
    assert ask(case, "/x", believed(), b"X-User: admin") == 200
    received = b"".join(each.received for each in case.backends[0].connections)
    assert received.count(b"GET /x ") == 2  # the request and its copy
    assert received.count(b"\r\nX-User: ann\r\n") == 2
    assert b"Bearer" not in received


def metrics(case: WholeGateway) -> str:
    client = case.get("/metrics")
    case.wait(1)
    return client.received.decode()


def test_refusals_are_counted_by_check_and_reason(start: Start, check: dict[str, Any]) -> None:
    case = start(checks={"staff": check}, default_checks=["staff"])
    ask(case)
    ask(case, "/x", b"Authorization: Bearer made.up.token")
    page = metrics(case)
    assert 'openprequal_check_refusals_total{check="staff",reason="missing"} 1.0' in page
    assert 'openprequal_check_refusals_total{check="staff",reason="wrong"} 1.0' in page
    assert 'openprequal_requests_total{code="401",method="GET",service="-"} 2.0' in page


def test_checks_come_and_go_when_the_settings_are_read_again(start: Start, check: dict[str, Any]) -> None:
    case = start()
    assert case.reload(checks={"staff": check}, default_checks=["staff"])[1]["changed"] == ["checks", "default_checks"]
    assert ask(case) == 401
    case.reload(checks={"staff": check})
    assert ask(case) == 200


def test_a_check_that_cannot_be_made_changes_nothing(start: Start, check: dict[str, Any]) -> None:
    case = start(checks={"staff": check}, default_checks=["staff"])
    code, problem = case.reload(checks={"staff": {**check, "jwks_file": "/no/such/file"}}, default_checks=["staff"])
    assert code == 422
    assert problem["detail"].startswith("checks.staff.jwks_file: '/no/such/file' cannot be read")
    assert ask(case, "/x", believed()) == 200


def test_a_check_that_stays_keeps_what_it_knows(
    start: Start, check: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = start(checks={"staff": check}, default_checks=["staff"])
    assert ask(case, "/x", believed()) == 200
    case.reload(checks={"staff": check}, default_checks=["staff"], queue_max=3)
    verified: list[object] = []
    monkeypatch.setattr("openprequal.checks.bearer.BearerCheck._verified", lambda self, token: verified.append(token))
    assert ask(case, "/x", believed()) == 200
    assert verified == []


def test_keys_that_were_replaced_are_taken_without_a_reload(start: Start, check: dict[str, Any]) -> None:
    case = start(checks={"staff": check}, default_checks=["staff"])
    assert ask(case, "/x", believed()) == 200
    Path(check["jwks_file"]).write_bytes(key_set(jwk(rsa_key(2048, 1), kid="k2")))
    case.wait(1.1)
    assert ask(case, "/x", believed()) == 401


def test_a_secret_comes_from_the_environment(
    start: Start, check: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    settings = {"kind": "jwt", "secret_variable": "TOKEN_SECRET"}
    with pytest.raises(ConfigurationError, match=r"checks\.staff\.secret_variable: TOKEN_SECRET: a secret needs 32"):
        start(checks={"staff": settings})
    monkeypatch.setenv("TOKEN_SECRET", secret)
    case = start(checks={"staff": settings}, default_checks=["staff"])
    assert ask(case, "/x", b"Authorization: Bearer " + token(secret.encode(), "HS256").encode()) == 200


def test_a_file_of_authorities_that_cannot_be_used_is_named_by_its_setting(start: Start) -> None:
    with pytest.raises(ConfigurationError, match=r"^checks\.judge\.ca_file: '/no/such/file' cannot be read"):
        start(checks={"judge": {"kind": "forward", "url": "https://judge.test/", "ca_file": "/no/such/file"}})


def test_a_library_that_is_not_installed_is_named(
    start: Start, check: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    with pytest.raises(ConfigurationError, match=r"needs jwt: pip install 'openprequal\[auth\]'"):
        start(checks={"staff": check})


JWT = {"kind": "jwt", "jwks_url": "https://issuer.test/keys"}
BASIC = {"kind": "basic", "users_file": "users"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"default_checks": ["staff"]}, "default_checks: there is no check staff: must be one of none is there"),
        ({"checks": {"staff": JWT}, "default_checks": ["staf"]}, "no check staf; did you mean staff"),
        ({"checks": {"a": JWT}, "routes": [{"name": "x", "checks": ["b"]}]}, "routes.x.checks: there is no check b"),
        ({"checks": {"a": JWT, "b": BASIC}, "default_checks": ["a", "b"]}, "both a password and a token"),
        (
            {"checks": {"a": JWT}, "routes": [{"name": "x", "checks": ["a"], "respond": {"status": 404}}]},
            "checks: no backend is asked",
        ),
        ({"checks": {"a": {"kind": "digest"}}}, "kind: must be basic or jwt or forward"),
        ({"checks": {"a": "basic"}}, "a table"),
        ({"checks": {"a": {"kind": "jwt"}}}, "no keys: must be one of jwks_url, jwks_file"),
        ({"checks": {"a": {**JWT, "secret_file": "x"}}}, "jwks_url and secret_file: must be one of"),
        ({"checks": {"a": {**JWT, "algorithms": ["HS256"]}}}, "algorithms: HS256 does not fit jwks_url"),
        ({"checks": {"a": {**JWT, "algorithms": ["none"]}}}, "Input should be 'RS256'"),
        ({"checks": {"a": {"kind": "jwt", "secret_file": "x", "algorithms": ["RS256"]}}}, "RS256 does not fit secret"),
        ({"checks": {"a": {**JWT, "claim_headers": {"sub": "Host"}}}}, "fields other than Host"),
        ({"checks": {"a": {**BASIC, "user_header": "Content-Length"}}}, "fields other than Content-Length"),
        ({"checks": {"a": {**BASIC, "user_header": "a b"}}}, "a field name"),
        ({"checks": {"a": {**BASIC, "timeout_seconds": 0}}}, "greater than 0"),
        ({"checks": {"a": {**BASIC, "realm": "a\nb"}}}, "match pattern"),
        *(
            ({"checks": {"a": {"kind": "forward", "url": url}}}, "a URL like https://host/path")
            for url in (
                "ftp://x",
                "http:///x",
                "http://a:b",
                "http://a:99999",
                "http://u:pw@a",
                "http://a/#",
                "http://a b",
            )
        ),
        (
            {"checks": {"a": {"kind": "forward", "url": "http://x", "request_headers": ["X-Forwarded-Uri"]}}},
            "fields other than X-Forwarded-Uri",
        ),
        (
            {"checks": {"a": {"kind": "forward", "url": "http://x", "response_headers": ["Transfer-Encoding"]}}},
            "fields other than Transfer-Encoding",
        ),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("[", r"\[")):
        GatewaySettings(**settings)


def test_defaults_of_algorithms_fit_the_keys() -> None:
    settings = GatewaySettings(checks={"a": JWT, "b": {"kind": "jwt", "secret_file": "x"}})  # type: ignore[dict-item]
    assert [each.effective_algorithms for each in settings.checks.values()] == [  # type: ignore[union-attr]
        ("RS256", "ES256", "EdDSA"),
        ("HS256",),
    ]


def test_browsers_may_ask_without_credentials_and_pages_see_a_refusal(start: Start, check: dict[str, Any]) -> None:
    cors = {"spa": {"allow_origins": ["https://page.test"], "allow_credentials": True}}
    case = start(checks={"staff": check}, default_checks=["staff"], cors=cors, routes=[{"name": "all", "cors": "spa"}])
    origin = b"Origin: https://page.test"
    assert ask(case, "/x", origin, b"Access-Control-Request-Method: GET", method=b"OPTIONS") == 204
    assert ask(case, "/x", method=b"OPTIONS") == 401
    client = case.client()
    client.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n" + origin + b"\r\n\r\n")
    case.wait(0)
    assert status(client) == 401
    assert b"\r\nAccess-Control-Allow-Origin: https://page.test\r\n" in client.received
