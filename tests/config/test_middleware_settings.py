"""What a middleware is told by its program and the environment."""

from typing import Any

import pytest

from openprequal.config.loading import from_program
from openprequal.config.middleware import MiddlewareSettings
from openprequal.errors import ConfigurationError


def told(arguments: dict[str, Any] | None = None, **environ: str) -> MiddlewareSettings:
    return from_program(MiddlewareSettings, arguments or {}, environ)


def test_the_program_goes_before_the_environment() -> None:
    assert told({"port": 1}, BACKEND_PORT="2").port == 1
    assert told(BACKEND_PORT="2").port == 2


def test_who_says_neither_port_nor_url_is_told_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="port= or BACKEND_PORT, or backend_url= or BACKEND_URL"):
        told()


def test_who_does_not_register_need_not_say_where_it_is() -> None:
    assert told({"register": False}).port is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prot": 8001}, "prot=: no such setting; did you mean port?"),
        ({"port": "x"}, "port=: 'x' cannot be used: must be a whole number from 1 to 65535"),
        ({"backend_url": "http://a/b"}, "backend_url=: 'http://a/b' cannot be used"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        told(arguments)
    assert words in str(error.value)


def test_a_wrong_variable_is_named_too() -> None:
    with pytest.raises(ConfigurationError, match=r"^BACKEND_PORT: '0' cannot be used"):
        told(BACKEND_PORT="0")


def test_a_token_may_be_in_a_file(tmp_path: Any) -> None:
    (tmp_path / "token").write_text("secret\n")
    token = told({"port": 1, "token_file": str(tmp_path / "token")}).token
    assert [each.get_secret_value() for each in token] == ["secret"]


def test_beside_a_gateway_on_this_host_it_is_localhost_and_beside_another_not_yet_known() -> None:
    assert told({"port": 1}).announced_url == "http://localhost:1"
    assert told({"port": 1}, PROXY_URL="http://localhost:8000,http://gw").announced_url is None
    assert told({"backend_url": "http://me:1"}, PROXY_URL="http://gw").announced_url == "http://me:1"
