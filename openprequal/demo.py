"""Example backends beside the gateway: how they are started as child processes, and never outlive it."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from secrets import token_urlsafe
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from openprequal.clocks import Periodic
from openprequal.config.gateway import GatewaySettings

HEARTBEAT_S = 5.0
"""A killed example should soon be gone."""
TERMINATION_GRACE_S = 10.0
"""Seconds a child may take to end after SIGTERM."""
WATCH_INTERVAL_S = 0.5

# Not ``-m twisted``: this runs whatever the interpreter and wherever its scripts are. A session of its own, because
# Ctrl-C goes to the whole group: the children end when we tell them to, once.
_RUN = "import os; os.setsid(); from twisted.scripts.twistd import run; run()"
_TWISTD = (sys.executable, "-c", _RUN, "-n", "--pidfile=")


def command_line(port: int, proxy_url: str, parent_pid: int) -> list[str]:
    """What to run for the example backend on *port*: everything that the environment could get wrong is said."""
    flags = {
        "--port": port,
        "--listen": "",
        "--name": f"backend-{port}",
        "--backend-url": f"http://localhost:{port}",
        "--proxy-url": proxy_url,
        "--backend-heartbeat-seconds": HEARTBEAT_S,
        "--backend-heartbeat-timeout": "none",
        "--service": "default",
        "--upstream": "none",
        "--exit-with-parent": parent_pid,
    }
    return [*_TWISTD, "openprequal-backend", *(f"{flag}={value}" for flag, value in flags.items())]


def environment(settings: GatewaySettings, environ: Mapping[str, str]) -> dict[str, str]:
    """The children's environment: ours, with the token (never a flag: those show in ``ps``) however we were told it."""
    mine = {
        name: value for name, value in environ.items() if name not in ("OPENPREQUAL_TOKEN", "OPENPREQUAL_TOKEN_FILE")
    }
    if settings.token_file is not None:
        return {**mine, "OPENPREQUAL_TOKEN_FILE": settings.token_file}
    return {**mine, "OPENPREQUAL_TOKEN": settings.token[0].get_secret_value()} if settings.token else mine


class _Child(ProcessProtocol):
    """One child: its output into our log line by line, and a Deferred for its end."""

    log = Logger()

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended: Deferred[None] = Deferred()
        self.stopping = False
        self._rest = b""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.log.info("{name}: {line}", name=self.name, line=line.decode("utf-8", "replace"))

    def processEnded(self, reason: Failure) -> None:
        if self._rest:
            self.childDataReceived(1, b"\n")
        if not self.stopping:
            self.log.warn("{name} ended: {reason}", name=self.name, reason=reason.getErrorMessage())
        self.ended.callback(None)


class DemoBackends(Service):
    """Runs ``settings.demo`` example backends on the ports after ``settings.port``.

    One that ends is not started again: it can be killed to see what happens.

    :ivar token: made for this process if none was set, so that the dashboard can be tried out; None: one was.
    """

    log = Logger()

    def __init__(self, reactor: Any, settings: GatewaySettings, environ: Mapping[str, str] = os.environ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._environ = environ
        self._children: list[tuple[_Child, Any]] = []
        self.token = None if settings.token else token_urlsafe(12)

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        proxy_url = self._settings.own_url
        assert proxy_url is not None, "the settings refuse a demo without"
        # What follows # stays in the browser. Who reads this log has a token for a demonstration.
        token = "" if self.token is None else f"#token={self.token}"
        self.log.info("dashboard: {url}/_openprequal/dashboard{token}", url=proxy_url, token=token)
        environ = environment(self._settings, self._environ)
        for port in range(self._settings.port + 1, self._settings.port + 1 + self._settings.demo):
            child = _Child(f"backend-{port}")
            arguments = command_line(port, proxy_url, os.getpid())
            process = self._reactor.spawnProcess(child, arguments[0], arguments, environ, path=os.getcwd())
            self._children.append((child, process))

    def stopService(self) -> "Deferred[None]":
        """End all children: SIGTERM, after a grace SIGKILL. Fires when none is left."""
        super().stopService()  # type: ignore[no-untyped-call]
        running = [child for child, _ in self._children if not child.ended.called]
        for child in running:
            child.stopping = True
        self._signal("TERM")
        kill = self._reactor.callLater(TERMINATION_GRACE_S, self._signal, "KILL")
        gone = DeferredList([child.ended for child in running])

        def all_gone(_: object) -> None:
            if kill.active():
                kill.cancel()

        return gone.addCallback(all_gone)

    def _signal(self, name: str) -> None:
        for child, process in self._children:
            # Reaped already, while its output is still being read: ``ended`` follows.
            with suppress(ProcessExitedAlready):
                if not child.ended.called:
                    process.signalProcess(name)


class ParentWatch(Service):
    """In the child: calls *stop* once the parent is gone, however it went (kill -9 tells nobody)."""

    def __init__(
        self, clock: IReactorTime, parent_pid: int, stop: Callable[[], object], getppid: Callable[[], int] = os.getppid
    ) -> None:
        self._parent_pid = parent_pid
        self._stop = stop
        self._getppid = getppid
        self._watching = Periodic(clock, WATCH_INTERVAL_S, self._look, "parent watch")

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._watching.start(now=False)

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]
        self._watching.stop()

    def _look(self) -> None:
        # An orphan is adopted by another process; comparing with the number it was started with also catches a
        # parent that died before we first looked.
        if self._getppid() != self._parent_pid:
            self._watching.stop()
            self._stop()
