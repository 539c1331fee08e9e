"""``openprequal route``: what it says of a request, and with which status it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from openprequal.cli.commands import main

FILE = """
[services.api]
[services.canary]
[services.shadow]

[[routes]]
name = "api"
hosts = ["*.example"]
path_prefix = "/api"
strip_prefix = true
services = {api = 95, canary = 5}
mirror = {service = "shadow", share = 0.1}

[[routes]]
name = "api-write"
hosts = ["*.example"]
path_prefix = "/api"
methods = ["POST"]
headers = {X-Beta = "1"}
service = "api"

[[routes]]
name = "old"
path_prefix = "/old"
redirect = {to = "https://{host}/new{rest}{query}", status = 301}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("OPENPREQUAL_CONFIG", raising=False)
    path = tmp_path / "gateway.toml"
    path.write_text(FILE)
    return str(path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The document, and the exit status as ``exit``."""
    status = main(["route", *arguments, "--json"])
    return {**json.loads(capsys.readouterr().out), "exit": status}


def test_it_tells_the_route_the_services_and_what_they_are_asked_for(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "GET", "https://a.example/api/x/../y?z", "--config", file) == {
        "route": "api",
        "because": ["host *.example", "path /api/*"],
        "services": {"api": 0.95, "canary": 0.05},
        "asked_for": "/y?z",
        "mirror": {"shadow": 0.1},
        "not_taken": [{"route": "api-write", "why": "asks for method POST and header x-beta: 1"}],
        "exit": 0,
    }


def test_fields_of_the_request_count(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, "POST", "https://a.example/api", "--header", "X-Beta: 1", "--config", file)
    assert answer["route"] == "api-write"
    assert answer["not_taken"] == [{"route": "api", "why": "api-write goes before it: more conditions"}]


def test_a_redirect_is_told_with_its_location(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, "GET", "http://b.test/old/x?y", "--config", file)
    assert (answer["status"], answer["location"]) == (301, "https://b.test/new/x?y")


@pytest.mark.parametrize(("url", "status"), [("http://b.test/x", 404), ("http://a.example/x/..%2fy", 400)])
def test_a_request_without_a_route_ends_with_status_1(
    file: str, capsys: pytest.CaptureFixture[str], url: str, status: int
) -> None:
    answer = told(capsys, "GET", url, "--config", file)
    assert (answer["status"], answer["exit"]) == (status, 1)


def test_the_gateways_own_paths_are_told_as_such(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "GET", "http://b.test/metrics", "--config", file)["answered_by"] == "the gateway"


def test_people_get_lines(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "GET", "a.example/api", "--config", file]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "route api",
        "  because    host *.example, path /api/*",
        "  service    api 0.95, canary 0.05",
        "  asked for  /",
        "  copied to  shadow 0.1",
        "not api-write: asks for method POST and header x-beta: 1",
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["GET", "/x"], "/x: must be a URL like https://a.example/x"),
        (["GET", "http://me@a.example/"], "must be a URL"),
        (["G T", "http://a.example/"], "bad request line"),
        (["GET", "http://a.example/", "--header", "a b: c"], "bad field line"),
        (["GET", "http://a.example/", "--config", "/nowhere.toml"], "/nowhere.toml: cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.delenv("OPENPREQUAL_CONFIG", raising=False)
    assert main(["route", *arguments]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_without_routes_there_is_one_service(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENPREQUAL_CONFIG", raising=False)
    assert told(capsys, "GET", "http://a.example/")["services"] == {"default": 1.0}


def test_its_own_paths_are_nobodys_where_it_has_a_listener_for_them(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text('admin_listen = ["unix:/run/admin.sock"]\n' + FILE)
    assert told(capsys, "GET", "http://a.example/metrics", "--config", file)["exit"] == 1


def test_what_stands_before_the_service_is_told(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    limited = FILE.replace("[[routes]]", "[[routes]]\nrate_limits = [{by = 'all', per_second = 1}]", 1)
    Path(file).write_text("max_requests_per_second_per_client = 2\n" + limited)
    answer = told(capsys, "GET", "http://a.example/api", "--config", file)
    assert answer["rate_limits"] == ["max_requests_per_second_per_client", "api/all"]
    main(["route", "GET", "http://a.example/api", "--config", file])
    assert "  limited by max_requests_per_second_per_client, api/all\n" in capsys.readouterr().out


def test_a_preflight_goes_to_no_service(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(file).write_text(FILE + '[cors.default]\nallow_origins = ["https://b.example"]\n')
    headers = ("--header", "Origin: https://b.example", "--header", "Access-Control-Request-Method: PUT")
    answer = told(capsys, "OPTIONS", "http://a.example/api", *headers, "--config", file)
    assert answer["answered_by"] == "the gateway"
    assert "preflight" in answer["why"]
