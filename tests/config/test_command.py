"""What the two commands do with their command line, before a service exists."""

import os
import sys
from pathlib import Path

import pytest
from twisted.application.service import MultiService

from openprequal import backend_tap, tap
from openprequal.command import make_service
from openprequal.config.schema import settings_of
from openprequal.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in list(os.environ):
        if name.startswith(("OPENPREQUAL_", "BACKEND_")):
            monkeypatch.delenv(name)


class Twistd(dict[str, object]):
    """What the commands use of twistd's own options."""

    subCommand = "openprequal"

    def __init__(self, **options: object) -> None:
        super().__init__(
            {"pidfile": "twistd.pid", "logfile": None, "nodaemon": 0, "syslog": 0, "logger": None} | options
        )


def parsed(*arguments: str, kind=tap.Options, **twistd: object):
    options = kind()
    options.parent = Twistd(**twistd)
    options.parseOptions(list(arguments))
    return options


def test_flags_become_settings() -> None:
    options = parsed("--port", "9000", "--listen", "tcp:1", "--listen=tcp:2", "--trust-loopback", "no")
    assert options.settings.port == 9000
    assert options.settings.listen == ("tcp:1", "tcp:2")
    assert options.settings.trust_loopback is False


def test_pidfile_and_log_are_named_by_role_and_port() -> None:
    assert parsed("--port", "9000").parent["pidfile"] == "openprequal-9000.pid"
    assert parsed("--port", "9000").parent["logfile"] == "openprequal-9000.log"
    backend = parsed(kind=backend_tap.Options)
    assert backend.parent["pidfile"] == "openprequal-backend-8001.pid"
    assert parsed("--listen", "unix:/run/a.sock").parent["pidfile"] == "openprequal-unix-run-a-sock.pid"


def test_what_the_user_chose_is_kept() -> None:
    twistd = parsed(pidfile="", logfile="mine.log").parent
    assert twistd["pidfile"] == ""
    assert twistd["logfile"] == "mine.log"


def test_in_the_foreground_the_log_stays_on_stdout() -> None:
    assert parsed(nodaemon=1).parent["logfile"] is None


def test_a_pidfile_with_our_own_pid_is_a_leftover(tmp_path: Path) -> None:
    pidfile = tmp_path / "openprequal-8000.pid"
    pidfile.write_text(str(os.getpid()))
    parsed()
    assert not pidfile.exists()


def test_another_processes_pidfile_is_left_for_twistd_to_judge(tmp_path: Path) -> None:
    pidfile = tmp_path / "openprequal-8000.pid"
    pidfile.write_text(str(os.getppid()))
    parsed()
    assert pidfile.exists()


def test_modules_in_the_working_directory_can_be_imported(tmp_path: Path) -> None:
    parsed()
    assert str(tmp_path) in sys.path


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--port", "x"], "openprequal: --port: 'x' cannot be used: must be a whole number from 1 to 65535"),
        (["--prot", "1"], "openprequal: option --prot not recognized; did you mean --port?; see --help"),
        (["extra"], "openprequal: Wrong number of arguments.; see --help"),
        (["--config", "none.toml"], "openprequal: none.toml: cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_ends_the_process_with_one_line(arguments: list[str], line: str) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    assert ended.value.code == line


def test_a_mistake_found_while_building_ends_the_process_with_one_line() -> None:
    def build(reactor: object, settings: object) -> MultiService:
        raise ConfigurationError("q_rif: no such parameter")

    with pytest.raises(SystemExit) as ended:
        make_service(parsed(), build)
    assert ended.value.code == "openprequal: q_rif: no such parameter"


def test_what_is_found_while_building_is_told_with_all_else_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text('custom_path_rewrite = "absent.hook"\n\nregistry_class = "memry"\n')

    def build(reactor: object, settings: object) -> MultiService:
        raise ConfigurationError("the first of them")

    with pytest.raises(SystemExit) as ended:
        make_service(parsed("--config=gateway.toml", "--load-balancer-class=NoSuch"), build)
    lines = str(ended.value.code).splitlines()
    assert [line.partition(": ")[2].partition(": ")[0] for line in lines] == [
        "gateway.toml:1",
        "gateway.toml:3",
        "--load-balancer-class",
        "3 mistakes",
    ]


def test_a_check_beside_a_running_gateway_does_not_mind_its_pidfile(tmp_path: Path) -> None:
    (tmp_path / "openprequal-8000.pid").write_text(str(os.getppid()))
    assert parsed("--check").parent["pidfile"] == ""


def test_check_ends_in_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make_service(parsed("--check"), lambda reactor, settings: MultiService())
    assert ended.value.code == 0
    assert capsys.readouterr().out == "openprequal: settings are ok: 1 service, listening on port 8000\n"


def test_check_looks_at_endpoints() -> None:
    with pytest.raises(SystemExit) as ended:
        make_service(parsed("--check", "--listen", "tpc:80"), lambda reactor, settings: MultiService())
    assert str(ended.value.code).startswith("openprequal: --listen: 'tpc:80' is no endpoint")


def test_check_looks_at_endpoints_of_the_admin_api() -> None:
    with pytest.raises(SystemExit) as ended:
        make_service(parsed("--check", "--admin-listen", "unx:/a"), lambda reactor, settings: MultiService())
    assert str(ended.value.code).startswith("openprequal: --admin-listen: 'unx:/a' is no endpoint")


@pytest.mark.parametrize("kind", [tap.Options, backend_tap.Options])
def test_the_help_names_every_setting(kind) -> None:
    text = kind().getUsage()
    for setting in settings_of(kind.model).values():
        if setting.group and setting.flag:
            assert f"{setting.flag}=" in text
            assert str(setting.env) in text


def test_the_token_is_no_flag() -> None:
    with pytest.raises(SystemExit) as ended:
        parsed("--token=abc")
    assert ended.value.code == (
        "openprequal: --token: flags show in ps: set OPENPREQUAL_TOKEN or --token-file; see --help"
    )
