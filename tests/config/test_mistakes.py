"""Every mistake of the settings is named, each in one line, and nothing that only follows from another."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from twisted.internet.testing import MemoryReactorClock

from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import Reading, one_line_each, read
from openprequal.config.schema import Conflict, Settings, setting
from openprequal.config.toml_file import TomlFile
from openprequal.survey import objections

TEN_AND_MORE = """\
listn = ["tcp:1"]
port = 70000
queue_max = "many"
queue_max = 3
host_header = "drop"
trusted_proxies = ["10.0.0.0/8", "10.0.0.1/8"]
token = "${GATEWAY_TOKEN}"
backend_health_path = "healthz"
custom_request_hook = "absent.hook"
upstream_ca_file = "/no/such.pem"
registry_class = "memmory"
health_statuses = [
    "200-299",
    "1000",
]
trust_loopback = "perhaps"

[balancer_parameters]
q_riff = 0.5
probe_rate = 1000

[services.api]
queue_maxx = 1
load_balancer_class = "maglef"
balancer_parameters = { table_size = 3 }

[services.web]
report_format = "json"
report_waiting_metric = "backlog"

[services."a/b"]
"""

TOLD = """\
:1: listn: no such setting; did you mean listen?
:2: port: 70000 cannot be used: must be a whole number from 1 to 65535
:3: queue_max: 'many' cannot be used: must be a whole number of at least 0
:4: queue_max: is set twice
:5: host_header: 'drop' cannot be used: must be keep or backend
:6: trusted_proxies[1]: '10.0.0.1/8' cannot be used: must be networks like 10.0.0.0/8 or fd00::/8
:7: token: ${GATEWAY_TOKEN}: the environment variable GATEWAY_TOKEN is not set
:8: backend_health_path: 'healthz' cannot be used: must be a path that starts with /, without spaces and #
:9: custom_request_hook: module 'absent' cannot be imported: ModuleNotFoundError: No module named 'absent'
:10: upstream_ca_file: '/no/such.pem' cannot be read: No such file or directory
:11: registry_class: 'memmory' is not known: must be memory, …; did you mean memory?
:12: health_statuses: ['200-299', '1000'] cannot be used: must be status codes like 200, or ranges like 200-299
:16: trust_loopback: 'perhaps' cannot be used: must be yes or no
:19: balancer_parameters.q_riff: prequal has no such parameter; …; did you mean q_rif?
:20: balancer_parameters.probe_rate: 1000 cannot be used; allowed: a number from 0 to 100
:23: services.api.queue_maxx: no such setting; did you mean queue_max?
:24: services.api.load_balancer_class: 'maglef' is not known: must be …; did you mean maglev?
:29: report_waiting_metric: web needs report_running_metric too
:31: services.a/b: 'a/b' cannot be used: must be up to 63 letters, digits and ._-, the first no sign
"""

Read = Callable[..., Reading[Any]]


@pytest.fixture
def read_text(tmp_path: Path) -> Read:
    def make(text: str, model: type[Settings] = GatewaySettings, environ: Any = None, **flags: str) -> Reading[Any]:
        (tmp_path / "gateway.toml").write_text(text)
        given = {name: [value] for name, value in flags.items()}
        return read(model, given, environ or {}, str(tmp_path / "gateway.toml"))

    return make


def told(reading: Reading[Any], path: Path) -> list[str]:
    """All that is wrong, as a command tells it, without the name of the file."""
    mistakes = list(reading.mistakes)
    if isinstance(reading.settings, GatewaySettings):
        found = map(reading.mistake, objections(MemoryReactorClock(), reading.settings))
        mistakes += [mistake for mistake in found if mistake is not None]
    return [line.removeprefix(str(path / "gateway.toml")) for line in one_line_each(mistakes).splitlines()]


def test_a_file_with_many_kinds_of_mistakes_has_each_of_them_named(read_text: Read, tmp_path: Path) -> None:
    lines = told(read_text(TEN_AND_MORE), tmp_path)
    expected = TOLD.splitlines()
    assert len(lines) == len(expected)
    for line, wanted in zip(lines, expected, strict=True):
        beginning, _, end = wanted.partition("…")
        assert line.startswith(beginning)
        assert line.endswith(end)


def test_mistakes_of_all_sources_are_told_at_once(read_text: Read, tmp_path: Path) -> None:
    reading = read_text("prot = 1", environ={"OPENPREQUAL_QUEUE_MAXX": "1", "OPENPREQUAL_DEMO": "x"}, queue_max="x")
    assert told(reading, tmp_path) == [
        ":1: prot: no such setting; did you mean port?",
        "OPENPREQUAL_QUEUE_MAXX: no such setting; did you mean OPENPREQUAL_QUEUE_MAX?",
        "OPENPREQUAL_DEMO: 'x' cannot be used: must be a whole number from 0 to 64",
        "--queue-max: 'x' cannot be used: must be a whole number of at least 0",
    ]


@pytest.mark.parametrize(
    ("text", "conflict"),
    [
        ("port = 1\nadmin_port = 1", ":2: admin_port and port are both 1: must differ"),
        (
            "port = 8100\ntrust_loopback = false\ndemo = 1",
            ":3: demo: its backends cannot register: trust_loopback must",
        ),
        (
            'demo = 1\nlisten = ["unix:/a"]',
            ":1: demo: its backends cannot register: the admin API must have a tcp endpoint",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_told_beside_one_of_them(
    text: str, conflict: str, read_text: Read, tmp_path: Path
) -> None:
    (line,) = told(read_text(text), tmp_path)
    assert line.startswith(conflict)


def test_two_conflicts_are_both_told(read_text: Read, tmp_path: Path) -> None:
    text = 'port = 1\nadmin_port = 1\n[services.a]\nreport_waiting_metric = "x"\n'
    assert [line[:3] for line in told(read_text(text), tmp_path)] == [":2:", ":4:"]


@pytest.mark.parametrize(
    "text",
    [
        "port = 70000\nadmin_port = 8000",
        "prot = 8001\nadmin_port = 8000",
        'load_balancer_class = "no_such"\n[balancer_parameters]\ntable_size = 7\n',
        'load_balancer_clas = "maglev"\n[balancer_parameters]\ntable_size = 7\n',
        'registry_class = "no_such"\n[registry_parameters]\nfile = 7\n',
        "[services.a]\nload_balancer_class = 3\nbalancer_parameters = { table_size = 7 }\n",
        '[services.a]\nreport_running_metrics = "x"\nreport_waiting_metric = "y"\n',
    ],
)
def test_what_follows_from_a_mistake_is_not_told(text: str, read_text: Read, tmp_path: Path) -> None:
    assert len(told(read_text(text), tmp_path)) == 1


def test_what_a_service_has_from_the_gateway_is_blamed_where_it_was_said(read_text: Read, tmp_path: Path) -> None:
    reading = read_text("[services.a]\n[services.b]\n", load_balancer_class="no_such")
    (line,) = told(reading, tmp_path)
    assert line.startswith("--load-balancer-class: 'no_such' is not known")


def test_the_other_command_tells_its_own_table(read_text: Read, tmp_path: Path) -> None:
    assert told(read_text("prot = 1\n\n[backend]\nprot = 2\nweight = 0\n", AgentSettings), tmp_path) == [
        ":4: backend.prot: no such setting; did you mean port?",
        ":5: backend.weight: 0 cannot be used: must be a number above 0",
    ]


def test_a_key_of_any_characters_is_told_in_one_line(read_text: Read, tmp_path: Path) -> None:
    assert told(read_text('"a\\nb" = 1'), tmp_path) == [":1: 'a\\nb': no such setting"]


class Match(BaseModel):
    model_config = ConfigDict(extra="forbid")
    path: str = Field(pattern="^/")
    methods: list[Literal["GET", "POST"]] = []


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    to: str
    name: str | None = None
    weight: Annotated[int, Field(ge=1)] = 1
    match: Match | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _not_both(self) -> "Rule":
        if self.to == "nowhere" and self.weight > 1:
            raise ValueError("weight means nothing where nobody is")
        return self


class Nested(Settings):
    """As deep as settings may ever be."""

    file_table: ClassVar[str | None] = "nested"
    known: tuple[str, ...] = setting((), "Services.", group="")
    rules: list[Rule] = setting([], "Rules.", group="", text=False)

    def conflicts(self) -> Iterator[Conflict]:
        for number, rule in enumerate(self.rules):
            if rule.to not in (*self.known, "nowhere"):
                yield Conflict(
                    f"rules[{number}].to: there is no service {rule.to!r}", (("rules", number, "to"), ("known",))
                )


def test_lists_of_tables_are_told_by_their_number_and_line(read_text: Read, tmp_path: Path) -> None:
    text = """\
[[nested.rules]]
to = "a"
wieght = 2

[[nested.rules]]
weight = 0
match.methods = ["GET", "PUT"]
match.pth = "/"

[[nested.rules]]
to = "nowhere"
weight = 2

[[nested.rules]]
to = "a"
password = ["s3cret"]
"""
    assert told(read_text(text, Nested), tmp_path) == [
        ":3: nested.rules[0].wieght: no such setting; did you mean weight?",
        ":5: nested.rules[1]: to is missing",
        ":6: nested.rules[1].weight: 0 cannot be used: must be a whole number of at least 1",
        ":7: nested.rules[1].match: path is missing",
        ":7: nested.rules[1].match.methods[1]: 'PUT' cannot be used: must be 'GET' or 'POST'",
        ":8: nested.rules[1].match.pth: no such setting; did you mean path?",
        ":10: nested.rules[2]: weight means nothing where nobody is",
        ":16: nested.rules[3].password: must be a valid string",
    ]


def test_a_table_in_a_list_is_told_by_its_name_if_it_has_one(read_text: Read, tmp_path: Path) -> None:
    text = '[[nested.rules]]\nname = "canary"\nto = "nowhere"\nweight = 0\n'
    assert told(read_text(text, Nested), tmp_path) == [
        ":4: nested.rules.canary.weight: 0 cannot be used: must be a whole number of at least 1"
    ]


def test_a_name_that_nothing_has_is_told_in_the_list_where_it_is(read_text: Read, tmp_path: Path) -> None:
    text = '[nested]\nknown = ["a"]\n[[nested.rules]]\nto = "a"\n[[nested.rules]]\nto = "b"\n'
    assert told(read_text(text, Nested), tmp_path) == [":6: rules[1].to: there is no service 'b'"]


FRAGMENTS = st.lists(
    st.sampled_from([*TEN_AND_MORE.splitlines(), "demo = 3", "zone = 1", "[[services]]", "]"]), max_size=14
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=FRAGMENTS)
def test_any_file_is_told_in_lines_and_its_rest_can_be_used(lines: list[str], read_text: Read, tmp_path: Path) -> None:
    reading = read_text("\n".join(lines))
    assert reading.mistakes or reading.settings is not None
    assert all(len(mistake.text.splitlines()) == 1 for mistake in reading.mistakes)
    assert len({mistake.text for mistake in reading.mistakes}) == len(reading.mistakes)


def test_lines_are_found_in_a_long_file(tmp_path: Path) -> None:
    text = "".join(f"[services.s{number}]\nqueue_max = {number}\n" for number in range(300))
    (tmp_path / "long.toml").write_text(text)
    assert TomlFile(str(tmp_path / "long.toml")).line_of(("services", "s299", "queue_max")) == 600
