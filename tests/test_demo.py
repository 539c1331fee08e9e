"""Example backends as child processes: started, reached, ended."""

import pytest
from pydantic import SecretStr
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from openprequal.backend_tap import Options
from openprequal.config.gateway import GatewaySettings
from openprequal.demo import TERMINATION_GRACE_S, WATCH_INTERVAL_S, DemoBackends, ParentWatch, command_line, environment


class Process:
    """A child that notes its signals."""

    def __init__(self, protocol, arguments, environ) -> None:
        self.protocol = protocol
        self.arguments = arguments
        self.environ = environ
        self.signals: list[str] = []
        self.reaped = False

    def signalProcess(self, name: str) -> None:
        if self.reaped:
            raise ProcessExitedAlready
        self.signals.append(name)

    def end(self) -> None:
        self.protocol.processEnded(Failure(ProcessDone(0)))


class Reactor(Clock):
    """A clock that starts such children."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Process] = []

    def spawnProcess(self, protocol, executable, arguments, environ, path):
        self.processes.append(Process(protocol, arguments, environ))
        return self.processes[-1]


@pytest.fixture
def reactor() -> Reactor:
    return Reactor()


@pytest.fixture
def demo(reactor: Reactor) -> DemoBackends:
    service = DemoBackends(reactor, GatewaySettings(port=9000, demo=2), {"PATH": "/bin"})
    service.startService()
    return service


def stopped(service: DemoBackends) -> list[object]:
    fired: list[object] = []
    service.stopService().addCallback(fired.append)
    return fired


def test_each_backend_listens_on_a_port_after_ours(demo: DemoBackends, reactor: Reactor) -> None:
    assert [next(a for a in p.arguments if a.startswith("--port=")) for p in reactor.processes] == [
        "--port=9001",
        "--port=9002",
    ]


def test_a_childs_command_line_is_understood_by_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://elsewhere:1")
    monkeypatch.setenv("BACKEND_LISTEN", "tcp:1")
    arguments = command_line(9001, "http://localhost:9000", 123)
    options = Options()
    options.parseOptions(arguments[arguments.index("openprequal-backend") + 1 :])
    assert options.settings.port == 9001
    assert options.settings.listen == ()
    assert options.settings.announced_url == "http://localhost:9001"
    assert options.settings.proxy_url == ("http://localhost:9000",)
    assert options.settings.exit_with_parent == 123


def test_children_register_at_the_admin_port_where_there_is_one() -> None:
    assert GatewaySettings(demo=1, admin_port=9999).own_url == "http://127.0.0.1:9999"


def test_children_register_at_the_admin_apis_own_endpoint() -> None:
    settings = GatewaySettings(demo=1, admin_listen=("unix:/run/a.sock", "tcp:9999:interface=127.0.0.1"))
    assert settings.own_url == "http://127.0.0.1:9999"


def test_the_token_reaches_children_through_the_environment_alone() -> None:
    settings = GatewaySettings(demo=1, token=(SecretStr("abc"), SecretStr("old")))
    environ = environment(settings, {"PATH": "/bin", "OPENPREQUAL_TOKEN_FILE": "/run/token"})
    assert environ == {"PATH": "/bin", "OPENPREQUAL_TOKEN": "abc"}


def test_children_read_the_file_that_the_gateway_reads() -> None:
    settings = GatewaySettings(demo=1, token=("abc",), token_file="/run/token")
    environ = environment(settings, {"PATH": "/bin", "OPENPREQUAL_TOKEN": "old"})
    assert environ == {"PATH": "/bin", "OPENPREQUAL_TOKEN_FILE": "/run/token"}


def test_stopping_asks_and_ends_when_all_are_gone(demo: DemoBackends, reactor: Reactor) -> None:
    fired = stopped(demo)
    assert [process.signals for process in reactor.processes] == [["TERM"], ["TERM"]]
    reactor.processes[0].end()
    assert not fired
    reactor.processes[1].end()
    assert fired
    assert not reactor.getDelayedCalls()


def test_a_child_that_does_not_end_is_killed_after_a_grace(demo: DemoBackends, reactor: Reactor) -> None:
    fired = stopped(demo)
    reactor.processes[0].end()
    reactor.advance(TERMINATION_GRACE_S)
    assert [process.signals for process in reactor.processes] == [["TERM"], ["TERM", "KILL"]]
    reactor.processes[1].end()
    assert fired


def test_a_child_reaped_but_not_yet_reported_ended_is_waited_for(demo: DemoBackends, reactor: Reactor) -> None:
    reactor.processes[0].reaped = True
    fired = stopped(demo)
    for process in reactor.processes:
        process.end()
    assert fired


def test_stopping_when_all_have_died_fires_at_once(demo: DemoBackends, reactor: Reactor) -> None:
    for process in reactor.processes:
        process.end()
    assert stopped(demo)
    assert not reactor.getDelayedCalls()


def test_a_child_ends_when_its_parent_is_another() -> None:
    clock, stops = Clock(), []
    parents = [7]
    watch = ParentWatch(clock, 7, lambda: stops.append(1), lambda: parents[0])
    watch.startService()
    clock.advance(WATCH_INTERVAL_S)
    assert not stops
    parents[0] = 1
    clock.pump([WATCH_INTERVAL_S] * 3)
    assert stops == [1]


def test_a_demonstration_without_a_token_makes_one_and_tells_it_in_the_dashboards_address(logged: list[str]) -> None:
    service = DemoBackends(Reactor(), GatewaySettings(port=9000, demo=1), {})
    service.startService()
    assert service.token is not None
    assert len(service.token) >= 16
    assert f"dashboard: http://localhost:9000/_openprequal/dashboard#token={service.token}" in "\n".join(logged)


def test_a_token_that_was_set_is_never_told(logged: list[str]) -> None:
    service = DemoBackends(Reactor(), GatewaySettings(port=9000, demo=1, token=["s3cret-s3cret"]), {})
    service.startService()
    assert service.token is None
    assert "dashboard: http://localhost:9000/_openprequal/dashboard" in "\n".join(logged)
    assert "s3cret" not in "\n".join(logged)
