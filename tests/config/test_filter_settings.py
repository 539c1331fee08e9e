"""What is wrong with settings of sessions, compression and CORS is said in one line; what is right is understood."""

import re
from pathlib import Path

import pytest

from openprequal.config.cors import CorsSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.errors import ConfigurationError
from openprequal.filter_making import FilterRules

KEY, OTHER = "k" * 32, "o" * 40


def settings(tmp_path: Path, text: str = "", **environ: str) -> GatewaySettings:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    return load(GatewaySettings, {}, environ, str(file))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[cors.a]\n", r"cors\.a: allow_origins is missing"),
        ('[cors.a]\nallow_origins = ["*"]\nallow_credentials = true', r"cors\.a: .*allow_credentials: not with allow_"),
        ('[cors.a]\nallow_origins = ["null"]', r"cors\.a\.allow_origins: .*must be \*, https://host"),
        ('[cors.a]\nallow_origins = ["https://a.test/"]', r"cors\.a\.allow_origins: .*without a path"),
        ('[cors.a]\nallow_origins = ["https://a.*.test"]', r"cors\.a\.allow_origins"),
        ('[cors.a]\nallow_origins = ["a.test"]', r"cors\.a\.allow_origins"),
        ('[cors.a]\nallow_origins = ["*"]\nallow_methods = ["get"]', r"allow_methods: .*in capitals"),
        ('[cors.a]\nallow_origins = ["*"]\nallow_headers = ["x y"]', r"allow_headers: .*field names"),
        ('[cors.a]\nallow_origins = ["*"]\nallow_origin = "x"', r"allow_origin: no such setting; did you mean allow_o"),
        ('[[routes]]\nname = "a"\ncors = "b"', r"routes\.a\.cors: there is no \[cors\.b\]"),
        ('[compression]\ncodings = ["deflate"]', r"compression\.codings.*'deflate'"),
        ("[compression]\ncodings = []", r"compression\.codings"),
        ("[compression]\nlevels = { lzma = 1 }", r"compression\.levels"),
        ('[compression]\ncontent_types = ["text"]', r"compression\.content_types: .*type/subtype"),
        ("[compression]\nmin_size = 1", r"compression\.min_size: no such setting"),
        ('sticky = "yes"', r"sticky: 'yes' cannot be used: must be no, cookie, client or header:NAME"),
        ('sticky = "header:"', r"sticky: 'header:'"),
        ('[services.a]\nsticky = "ip"', r"services\.a\.sticky: 'ip'.*header:NAME"),
        (
            'sticky_keys = "x"',
            r"sticky_keys: a secret: write .* set OPENPREQUAL_STICKY_KEYS or sticky_keys_file",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings(tmp_path, text)
    assert re.search(complaint, str(error.value)), error.value
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "level"), [("gzip", 0), ("gzip", 10), ("br", 12), ("zstd", 0), ("zstd", 20)])
def test_a_level_that_there_is_not_is_named_with_those_there_are(name: str, level: int) -> None:
    given = GatewaySettings(compress=True, compression={"levels": {name: level}})
    with pytest.raises(ConfigurationError, match=rf"compression\.levels\.{name}: {level}: must be from \d to \d+"):
        FilterRules(given)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://A.test", "https://a.test"),
        ("https://a.test:443", "https://a.test"),
        ("http://a.test:443", "http://a.test:443"),
        ("https://*.a.test:8443", "https://*.a.test:8443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("*", "*"),
    ],
)
def test_an_origin_is_what_browsers_would_send(written: str, meant: str) -> None:
    assert CorsSettings(allow_origins=(written,)).allow_origins == (meant,)


def test_a_wildcard_becomes_what_a_host_ends_with() -> None:
    rules = FilterRules(GatewaySettings(cors={"default": {"allow_origins": "https://*.a.test, https://b.test"}}))
    cors = rules.cors(None)
    assert cors is not None
    assert [cors.allows(origin) for origin in (b"https://x.a.test", b"https://a.test", b"https://b.test")] == [
        True,
        False,
        True,
    ]


def test_several_keys_are_between_commas_or_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY}\n{OTHER}\n")
    for given in (
        settings(tmp_path, "", OPENPREQUAL_STICKY_KEYS=f"{KEY},{OTHER}"),
        settings(tmp_path, f'sticky_keys_file = "{tmp_path / "keys"}"'),
    ):
        assert [key.get_secret_value() for key in given.sticky_keys] == [KEY, OTHER]


@pytest.mark.parametrize("text", ["short", f"{KEY},short", ","])
def test_a_key_that_can_be_guessed_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="keys of at least 32 characters") as error:
        settings(tmp_path, "", OPENPREQUAL_STICKY_KEYS=text)
    assert "short" not in str(error.value)


def test_a_service_says_otherwise_than_the_gateway(tmp_path: Path) -> None:
    given = settings(
        tmp_path, 'sticky = "cookie"\n[services.a]\nsticky = "no"\n[services.b]\nsticky_cookie = "b"\n[services.c]\n'
    )
    services = given.effective_services
    assert [(name, each.sticky, each.sticky_cookie) for name, each in services.items()] == [
        ("default", "cookie", "openprequal"),
        ("a", "no", "openprequal-a"),
        ("b", "cookie", "b"),
        ("c", "cookie", "openprequal-c"),
    ]
