"""A registry follows a file, and believes it only when it makes sense."""

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from openprequal.errors import ConfigurationError
from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.backend_file import row_of
from openprequal.registry.backend_list import read_list
from openprequal.registry.static_file import StaticFileRegistry
from openprequal.testing.registry_source_contract import ONE, TWO, RegistrySourceContract
from openprequal.values import Backend


def text_of(backends: Sequence[Backend]) -> str:
    """A TOML file of *backends*."""
    tables = [
        "[[backends]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in row_of(backend).items())
        for backend in backends
    ]
    return "\n".join(tables) or "backends = []\n"


class TestStaticFile(RegistrySourceContract):
    noticed_s = 1.0

    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.file = tmp_path / "backends.toml"

    def make(self, context: RegistryContext) -> IRegistry:
        return registry_on(self.file, context.clock, context.max_backends)

    def say(self, backends: Sequence[Backend]) -> None:
        put(self.file, text_of(backends))

    def fail(self) -> None:
        put(self.file, "[[backends]\n")


def registry_on(file: Path, clock: object, max_backends: int = 100) -> StaticFileRegistry:
    return StaticFileRegistry(RegistryContext(clock, max_backends, parameters={"file": str(file)}))


def put(file: Path, text: str) -> None:
    """Let *file* hold *text*, in the place of what it held."""
    beside = file.with_name("beside")
    beside.write_text(text)
    beside.replace(file)


class Case:
    """A registry that follows a file."""

    def __init__(self, file: Path, *backends: Backend) -> None:
        self.file = file
        self.clock = Clock()
        file.write_text(text_of(backends))
        self.registry = registry_on(file, self.clock)
        self.registry.start()

    def known(self, after_s: float = 1.5) -> list[Backend]:
        """Who is known, *after_s* from now."""
        self.clock.pump([0.1] * round(after_s * 10))
        return list(self.registry.backends())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "backends.toml", ONE)


def test_a_change_in_place_is_noticed_within_a_second_and_a_half(case: Case) -> None:
    case.file.write_text(text_of([ONE, TWO]))
    assert case.known() == [ONE, TWO]


def test_a_file_that_is_gone_changes_nothing_and_may_come_back(case: Case) -> None:
    case.file.unlink()
    assert case.known() == [ONE]
    case.file.write_text(text_of([TWO]))
    assert case.known() == [TWO]


def test_a_file_is_not_read_while_it_is_written(case: Case) -> None:
    text = text_of([ONE, TWO])
    for end in range(0, len(text), 10):
        case.file.write_text(text[:end])
        assert case.known(0.5) == [ONE]
    case.file.write_text(text)
    assert case.known() == [ONE, TWO]


@pytest.mark.parametrize("text", ["", "\n", "# nobody\n"])
def test_an_empty_file_is_not_believed(case: Case, text: str) -> None:
    case.file.write_text(text)
    assert case.known(10) == [ONE]


def test_a_list_that_is_empty_on_purpose_is_believed(case: Case) -> None:
    case.file.write_text("backends = []\n")
    assert case.known() == []


def test_a_link_that_leads_elsewhere_is_noticed(tmp_path: Path) -> None:
    # As Kubernetes changes a ConfigMap: backends.toml -> ..data/backends.toml, and ..data -> another directory.
    for name, backend in (("..1", ONE), ("..2", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "backends.toml").write_text(text_of([backend]))
        os.utime(tmp_path / name / "backends.toml", (1, 1))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "backends.toml").symlink_to("..data/backends.toml")
    clock = Clock()
    registry = registry_on(tmp_path / "backends.toml", clock)
    registry.start()
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    clock.pump([0.5] * 3)
    assert list(registry.backends()) == [TWO]


def test_json_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "backends.json"
    file.write_text(json.dumps({"backends": [row_of(ONE), {**row_of(TWO), "weight": 2}]}))
    assert read_list(file, 2) == (ONE, Backend(TWO.url, weight=2.0))


def test_every_particular_of_a_backend_can_be_listed(tmp_path: Path) -> None:
    backend = Backend("https://c.test:8443", "other", 2.5, "/up", "/probe", 9000, 1, "eu")
    file = tmp_path / "backends.toml"
    file.write_text(text_of([backend]))
    assert read_list(file, 1) == (backend,)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("toml", "[[backends]]\nurl = 'http://a'\n[[backends]]\nurl = 'ftp://a'\n", ":4: backends[1].url: must start"),
        ("toml", "[[backends]]\nurl = 'http://a'\nwieght = 2\n", ":3: backends[0].wieght: is unknown here"),
        ("toml", "[[backends]]\nurl = 'http://a'\nweight = 0\n", ":3: backends[0].weight: should be greater"),
        (
            "toml",
            "[[backends]]\nurl = 'http://a'\nheartbeat_seconds = 1\n",
            ":3: backends[0].heartbeat_seconds: is",
        ),
        ("toml", "[[backends]]\nweight = 2\n", ":1: backends[0].url: is required"),
        (
            "toml",
            "[[backends]]\nurl = 'http://a'\n[[backends]]\nurl = 'http://a:80/'\n",
            ":3: backends[1]: default/",
        ),
        ("toml", "backends = 7\n", ": has no list of backends"),
        ("toml", "backends = [7]\n", ":1: backends[0]: must be a table"),
        ("toml", "[[backend]]\nurl = 'http://a'\n", ":1: backend: no such key; did you mean backends?"),
        ("toml", "backends = [\n", ": is not TOML"),
        (
            "toml",
            "backends = [{url='http://a'}, {url='http://b'}, {}]\n",
            ": lists 3 backends: max_back",
        ),
        ("json", '{"backends": [\n}', ":2: is not JSON: Expecting value"),
        ("json", "[]", ": must be an object"),
        ("json", '{"backends": [{"url": 7}]}', ": backends[0].url: should be a valid string"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    file = tmp_path / f"backends.{name}"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        read_list(file, 2)
    assert told in str(refused.value)


def test_all_mistakes_are_told(tmp_path: Path) -> None:
    file = tmp_path / "backends.toml"
    file.write_text("[[backends]]\nurl = 'x'\n[[backends]]\nurl = 'y'\n")
    with pytest.raises(ConfigurationError) as refused:
        read_list(file, 2)
    assert len(refused.value.lines) == 2


def test_a_file_with_a_mistake_ends_the_start(tmp_path: Path) -> None:
    file = tmp_path / "backends.toml"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        registry_on(file, Clock())
    file.write_text("[[backends]]\nurl = 7\n")
    with pytest.raises(ConfigurationError, match=r"backends\[0\]"):
        registry_on(file, Clock())


@given(
    name=st.sampled_from(["toml", "json"]),
    content=st.binary(max_size=200) | st.text(alphabet="[]{}=\"'bakends\n 7", max_size=60).map(str.encode),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_whatever_it_holds_nothing_but_a_mistake_comes_of_it(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / f"backends.{name}"
    file.write_bytes(content)
    with contextlib.suppress(ConfigurationError):
        assert read_list(file, 100) == ()
