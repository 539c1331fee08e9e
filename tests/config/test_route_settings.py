"""Routes that cannot be used end the start with one line that names the route and what is wrong with it."""

import re
from pathlib import Path

import pytest

from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.errors import ConfigurationError
from openprequal.forwarding.field_edits import field_edits
from openprequal.forwarding.path_change import location, rewritten
from openprequal.routing.path_pattern import path_prefix, path_template


def complaint(tmp_path: Path, text: str) -> str:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        load(GatewaySettings, {}, {}, str(file))
    assert "\n" not in str(error.value)
    place, _, line = str(error.value).partition(": ")
    assert re.fullmatch(rf"{re.escape(str(file))}:\d+", place)
    return line


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ('name = "r"\nservice = "wbe"', "routes.r: there is no service wbe; did you mean web?"),
        ('name = "r"\nservices = {web = 1, api = 1}', "routes.r: there is no service api"),
        ('name = "r"\nmirror = {service = "api"}', "routes.r: there is no service api"),
        (
            'name = "r"\npath = "/a"\npath_prefix = "/a"',
            "routes.r: path and path_prefix: there can be only one",
        ),
        ('name = "r"\nservice = "web"\nredirect = {to = "/"}', "routes.r: service and redirect: there can be only one"),
        ('name = "r"\nstrip_prefix = true', "routes.r: strip_prefix: there is no path_prefix to strip"),
        ('name = "r"\nservices = {web = 0}', "routes.r: services: the weights are all 0"),
        ('name = "r"\nservices = {web = -1}', "routes.r.services.web: -1"),
        ('name = "r"\nredirect = {to = "/"}\nmirror = {service = "web"}', "routes.r: mirror: no backend is asked"),
        ('name = "r"\nredirect = {to = "/", status = 200}', "routes.r.redirect.status: 200"),
        ('name = "r"\nrespond = {status = 204, body = "x"}', "routes.r.respond: body: a response with status 204 has"),
        ('name = "r"\npath_prefx = "/"', "routes.r.path_prefx: no such setting; did you mean path_prefix?"),
        ('name = "r"\nrespond = {stauts = 200}', "routes.r.respond.stauts: no such setting; did you mean status?"),
        ('name = "r"\nheaders = {X = 1}', "routes.r.headers.X: 1 cannot be used: must be a text, or true"),
        ('name = "r"\nretry_statuses = ["404"]', "routes.r.retry_statuses: ['404'] cannot be used: must be"),
        ('name = "r"\nresponse_timeout_seconds = 0', "routes.r.response_timeout_seconds: 0"),
        ('name = "r"\n[[routes]]\nname = "r"\npath = "/x"', "routes: route 2: the name r is another's: must be unique"),
        ('path = "/x"', "routes[0]: name is missing"),
        ('name = "r r"', "routes.r r.name: 'r r' cannot be used"),
    ],
)
def test_the_line_names_the_route_and_the_key(tmp_path: Path, route: str, expected: str) -> None:
    assert complaint(tmp_path, f"[services.web]\n[[routes]]\n{route}\n").startswith(expected)


@pytest.mark.parametrize(
    ("name", "value", "of_request", "expected"),
    [
        ("Host", "a", True, "r.set.Host: Host is written by the gateway and cannot be changed by a route; host_header"),
        ("connection", "close", False, "r.set.connection: connection is written by the gateway"),
        ("Transfer-Encoding", "chunked", True, "is written by the gateway"),
        ("Content-Length", "0", False, "is written by the gateway"),
        ("Via", "me", True, "is written by the gateway"),
        ("X-Forwarded-For", "me", True, "is written by the gateway"),
        ("OpenPrequal-Load", "rif=0", False, "is written by the gateway"),
        ("X A", "a", True, "is no field name"),
        ("X-A", "a\r\nX-B: b", True, "is no field value"),
        ("X-A", " a", True, "is no field value"),
        ("X-A", "\u20ac", True, "is no field value"),
        ("X-A", "{secret}", True, "r.set.X-A: {secret} stands for nothing: must be one of {client_ip}, {host}, {path}"),
    ],
)
def test_fields_that_a_route_may_not_change_are_refused(name: str, value: str, of_request: bool, expected: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        field_edits("r", to_set={name: value}, to_add={}, to_remove=(), of_request=of_request)
    assert expected in str(error.value)


def test_a_response_may_say_what_a_request_may_not() -> None:
    assert field_edits("r", to_set={"Host": "a"}, to_add={}, to_remove=(), of_request=False) is not None


def test_nothing_to_change_is_no_edit() -> None:
    assert field_edits("r", to_set={}, to_add={}, to_remove=(), of_request=True) is None


@pytest.mark.parametrize(
    "to",
    [
        "new.example/x",
        "ftp://new.example/",
        "//new.example/",
        "https://",
        "https://{path}",
        "https://new.example{file}",
        "https://{file}/",
        "https://new.example@evil.example/",
        "https://a b/",
        "{query}",
        "/x{nothing}",
        "/x\\y",
    ],
)
def test_a_redirect_must_lead_to_a_host_that_the_route_or_the_request_names(to: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^r: "):
        location(to, path_template("/f/{file}", "p"), "r")


@pytest.mark.parametrize("template", ["x", "", "/a b", "/a?b", "/a#b", "/a\\b", "/\u00e9", "/{rest}", "{file}"])
def test_a_rewrite_must_be_a_path_of_known_variables(template: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^r: "):
        rewritten(template, path_template("/f/{file}", "p"), "r")


def test_what_follows_a_prefix_is_rest() -> None:
    assert rewritten("/x{rest}", path_prefix("/f", "p"), "r") is not None
