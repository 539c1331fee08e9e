"""What the documentation says is so: its examples run, its tables and maps are those of the code."""

import ast
import json
import re
import runpy
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import treq
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers

import openprequal
from openprequal.access_log.facts import FIELDS
from openprequal.balancing.parameters import PrequalSyncParameters
from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.schema import settings_of
from openprequal.errors import RegistrationRefused
from openprequal.hints import HINT_FIELD, hint_of
from openprequal.hooks.calling import call
from openprequal.hooks.request_hooks import HookRequest, HookResponse, rewritten_path
from openprequal.http1.request import parse_request_head
from openprequal.interfaces import HookAnswer
from openprequal.values import Backend

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = Path(openprequal.__file__).parent


@pytest.fixture(scope="module")
def hooks() -> types.SimpleNamespace:
    """The examples of hooks.md, as the one module they are said to be."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "hooks.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, Any] = {}
    exec(compile("\n\n".join(blocks), "hooks.md", "exec"), names)
    return types.SimpleNamespace(**names)


def _call(hook: Any, *arguments: object, check: Any = None) -> object:
    """As the gateway calls it; a failure of the hook fails the test."""
    failures: list[str] = []
    answer = call(hook, *arguments, clock=Clock(), timeout_s=1.0, on_failure=failures.append, check=check)
    if isinstance(answer, Deferred):
        results: list[object] = []
        answer.addCallback(results.append)
        (answer,) = results
    assert not failures
    return answer


def test_the_register_example_takes_our_network_and_refuses_others(hooks: types.SimpleNamespace) -> None:
    assert _call(hooks.only_ours, Backend("http://10.20.3.4:80")) is None
    for url in ("http://10.21.3.4:80", "http://name:80"):
        with pytest.raises(RegistrationRefused, match="is not in") as refused:
            _call(hooks.only_ours, Backend(url))
        assert refused.value.status == 403


def test_the_unregister_example_posts_one_message(
    hooks: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = []

    def post(url: str, json: object) -> "Deferred[None]":
        posted.append((url, json))
        return succeed(None)

    monkeypatch.setattr(treq, "post", post)
    _call(hooks.tell_the_chat, Backend("http://10.20.3.4:80"))
    assert posted == [(hooks.CHAT, {"text": "http://10.20.3.4:80 has left default"})]


@pytest.mark.parametrize(("path", "rewritten"), [("/v1/a", b"/a"), ("/v1", b"/"), ("/b/v1", b"/b/v1")])
def test_the_path_example_takes_the_prefix_away(hooks: types.SimpleNamespace, path: str, rewritten: bytes) -> None:
    assert _call(hooks.without_prefix, path, check=rewritten_path) == rewritten


def test_the_request_example_turns_a_key_into_a_user(hooks: types.SimpleNamespace) -> None:
    request = HookRequest(b"GET", b"/", [(b"X-User", b"mallory"), (b"X-API-Key", b"k-123")], "192.0.2.1")
    _call(hooks.with_key, request, check=request.check)
    assert request.fields == [(b"X-User", b"alice")]


def test_the_request_example_answers_who_has_no_key(hooks: types.SimpleNamespace) -> None:
    request = HookRequest(b"GET", b"/", [(b"X-API-Key", b"guessed")], "192.0.2.1")
    with pytest.raises(HookAnswer) as answer:
        _call(hooks.with_key, request, check=request.check)
    assert answer.value.status == 401


def test_the_response_example_says_who_answered_to_whom_asks(hooks: types.SimpleNamespace) -> None:
    request = parse_request_head(b"GET / HTTP/1.1\r\nHost: a\r\nX-Debug: yes", "192.0.2.1")
    response = HookResponse(200, [(b"Server", b"secret/1.0")], Backend("http://10.20.3.4:80"))
    _call(hooks.say_who, request, response, check=response.check)
    assert response.fields == [(b"X-Backend", b"http://10.20.3.4:80")]


def test_the_cache_of_the_sync_mode_page_scales_the_load_for_what_it_holds() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "sync-mode.md").read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "sync-mode.md", "exec"), names)
    cache = names["Cache"]()
    tracker = names["tracker_of"](Clock(), cache)
    tracker.begin()
    probe = types.SimpleNamespace(requestHeaders=Headers({HINT_FIELD: [hint_of(b"7")]}))
    rifs = [names["load_for"](probe, tracker).rif]
    cache["7"] = "data"
    rifs.append(names["load_for"](probe, tracker).rif)
    del cache["7"]
    rifs.append(names["load_for"](probe, tracker).rif)
    assert rifs == [1, 0.1, 1]


def test_the_parameters_of_the_sync_mode_page_are_those_there_are() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (DOCS / "sync-mode.md").read_text("utf-8"), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert named == [field.name for field in attrs.fields(PrequalSyncParameters)]


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    script = runpy.run_path(str(DOCS / "configuration.py"))
    assert (DOCS / "configuration.md").read_text("utf-8") == script["page"](), "run docs/configuration.py"


def test_the_fields_on_the_page_of_the_access_log_are_those_there_are() -> None:
    page = (DOCS / "access-log.md").read_text("utf-8").partition("## Fields")[2]
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)) == FIELDS


def test_the_lines_on_the_page_of_the_access_log_have_its_fields() -> None:
    (line,) = re.findall(r"```json\n(.*?)\n```", (DOCS / "access-log.md").read_text("utf-8"), re.DOTALL)
    assert [*json.loads(line), "common_time"] == sorted(FIELDS, key=lambda name: name == "common_time")


def test_the_settings_in_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `--([a-z-]+)`[^|]*\| `([A-Z_]+)`", readme, re.MULTILINE)
    settings = [setting for model in (GatewaySettings, AgentSettings) for setting in settings_of(model).values()]
    known = {(setting.flag, setting.env) for setting in settings}
    # The token's row names the file's flag beside the variable of the token itself.
    known.add(("--token-file", "OPENPREQUAL_TOKEN"))
    assert len(rows) > 8
    assert not {(f"--{flag}", variable) for flag, variable in rows} - known


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"`((?:[a-z0-9_]+/)*[a-z0-9_]+\.py)`", (ROOT / page).read_text("utf-8"))
    assert named
    assert not [name for name in named if not ((PACKAGE / name).exists() or (ROOT / name).exists())]


@pytest.mark.parametrize(
    "page", sorted([ROOT / "README.md", ROOT / "SECURITY.md", *DOCS.rglob("*.md")]), ids=lambda page: str(page.name)
)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def _threats() -> list[list[str]]:
    """The rows of the tables of SECURITY.md: threat, what is done, tests."""
    rows = re.findall(r"^\| (.*) \|$", (ROOT / "SECURITY.md").read_text("utf-8"), re.MULTILINE)
    return [row.split(" | ") for row in rows if not row.startswith(("threat |", "---"))]


def test_every_threat_names_its_test() -> None:
    threats = _threats()
    assert len(threats) > 20
    assert not [row for row in threats if len(row) != 3 or not re.search(r"`tests/[a-z0-9_/]+\.py", row[2])]


@pytest.mark.parametrize(
    "name", sorted({name for row in _threats() for name in re.findall(r"`(tests/[^`]+)`", row[-1])})
)
def test_every_test_that_the_threats_name_exists(name: str) -> None:
    file, _, function = name.partition("::")
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert function in names if function else names


def test_the_settings_that_the_threats_name_exist() -> None:
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    flags = {setting.flag for model in (GatewaySettings, AgentSettings) for setting in settings_of(model).values()}
    named = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", page.partition("**Renew")[0]))
    assert len(named) >= 4
    assert named <= flags | {"--check"}


def test_the_map_shows_every_package() -> None:
    map_ = (DOCS / "architecture.md").read_text("utf-8")
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert not {package for package in packages if f"{package}/" not in map_}


def _layers() -> dict[str, int]:
    """The row of each package and module in architecture.md."""
    (rows,) = re.findall(r"```layers\n(.*?)```", (DOCS / "architecture.md").read_text("utf-8"), re.DOTALL)
    return {name: number for number, row in enumerate(rows.splitlines()) for name in row.split()}


def _imports(module: Path) -> Iterator[str]:
    """What *module* imports of ours, as ``package/module``."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openprequal."):
            yield str(node.module).removeprefix("openprequal.").replace(".", "/")


def test_imports_go_upwards_only_in_the_layers_of_the_page() -> None:
    layers = _layers()

    def layer(name: str) -> int:
        row = layers.get(name, layers.get(name.partition("/")[0]))
        assert row is not None, f"{name} is in no row of the page"
        return row

    downwards = []
    for file in PACKAGE.rglob("*.py"):
        name = str(file.relative_to(PACKAGE).with_suffix("")).removesuffix("/__init__")
        if name == "__init__":
            continue
        for imported in _imports(file):
            same = imported.partition("/")[0] == name.partition("/")[0]
            if not same and layer(imported) >= layer(name):
                downwards.append(f"{name} imports {imported}")
    assert not downwards
