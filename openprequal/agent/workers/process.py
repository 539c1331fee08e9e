"""BackendProcess: this process's part in the backend that its application is."""

import logging
import socket
import time
from collections.abc import Callable, Sequence
from random import Random
from threading import Event, Lock, Thread
from typing import Final

from openprequal.agent.heartbeat_body import UNREGISTER_TIMEOUT_S, address_of
from openprequal.agent.report_format import DEFAULT_FORMATS
from openprequal.agent.workers.departure import Departure
from openprequal.agent.workers.leader import Leader
from openprequal.agent.workers.rows import SharedRows, folder_for
from openprequal.agent.workers.siblings import coming
from openprequal.agent.workers.tracker import Clock, WorkerRequest, WorkerTracker
from openprequal.agent.workers.whole import added_up, load_of
from openprequal.config.middleware import MiddlewareSettings
from openprequal.values import LoadReport, LoadState

TICK_S: Final = 0.1
"""How soon a process notices that it is to lead, to end, or that another one has died."""

LISTENING_S: Final = 5.0
"""How long a registration waits for the application's port to accept; longer only if it cannot be reached from here."""

SETTLE_S: Final = 0.3
"""A server tells its workers one after the other to end: how long until it is clear that it is all of them."""

REPLACED_S: Final = 10.0
"""How long those that are replaced wait for the new ones to have imported the application."""

LINGER_S: Final = 0.2
"""Requests that a gateway had sent before it heard may still arrive after so long."""

_log = logging.getLogger("openprequal.agent")


class _Monotonic:
    seconds = staticmethod(time.monotonic)


class BackendProcess:
    """Counts this process's requests, and does its share of registering, answering probes and leaving.

    A server may import its application in a process that never serves, and fork those that do (gunicorn's
    ``--preload``). A process that forks before it has had a request is taken for that: its children join, it does not.

    :ivar tracker: counts; a new one after a fork.
    :ivar report_formats: what the load is written in on responses.
    """

    def __init__(self, settings: MiddlewareSettings | None, clock: Clock = _Monotonic) -> None:
        """
        :param settings: None: they cannot be used; count and report, but do not register.
        """
        self.health_path = settings.backend_health_path if settings is not None else "/healthz"
        self.report_formats: Sequence[str] = settings.report_formats if settings is not None else DEFAULT_FORMATS
        self._settings = settings if settings is not None and settings.register else None
        self._clock = clock
        self._departure = Departure()
        self._prepare()

    def _prepare(self) -> None:
        self.tracker = WorkerTracker(self._clock)
        self._serves = False
        self._silent = False
        self._stop = Event()
        self._over = Event()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._rows: SharedRows | None = None
        self._leader: Leader | None = None

    def begin(self) -> WorkerRequest:
        """A request has arrived."""
        if not self._serves:
            self.serve()
        return self.tracker.begin()

    def serve(self) -> None:
        """This is a process that serves: if it forks, it does so for work of its own."""
        self._serves = True
        self.start()

    def start(self) -> None:
        """Join, in a thread of its own. Harmless when done before."""
        with self._starting:
            if self._settings is not None and self._thread is None:
                self._thread = Thread(target=self._run, args=(self._settings,), name="openprequal agent", daemon=True)
                self._thread.start()

    def leave(self, wait: bool, silently: bool = False) -> None:
        """This process ends: tell the gateways, unless other processes stay.

        :param wait: return when that is done, or has taken too long.
        :param silently: tell nobody, because another process will come.
        """
        self._silent = silently
        self._stop.set()
        if wait and self._thread is not None:
            self._over.wait(SETTLE_S + UNREGISTER_TIMEOUT_S + LINGER_S)

    def forked_here(self) -> None:
        """This process has forked: if it does not serve itself, it only prepared."""
        if not self._serves and self._thread is not None:
            self._silent = True
            self._stop.set()
            self._over.wait(1.0)
            self._prepare()

    def born(self) -> None:
        """This process is a fork of one that had us. Locks of its threads may be held for ever."""
        served = self._serves
        for inherited in (self._leader, self._rows):
            if inherited is not None:
                inherited.forget()
        self._prepare()
        self._departure.renew()
        if served:  # a child of a worker, with work of its own
            self._settings = None
        self.start()

    # ---- the thread's work ------------------------------------------------------------------------------------------

    def _run(self, settings: MiddlewareSettings) -> None:
        over = self._over
        try:
            if self._listens(settings):
                self._take_part(settings)
        except Exception:
            _log.exception("this process is no longer part of its backend")
        finally:
            over.set()
            self._departure.pass_on()

    @property
    def _ends(self) -> bool:
        return self._stop.is_set() or self._departure.signum is not None

    def _listens(self, settings: MiddlewareSettings) -> bool:
        """Wait until the application's port accepts, because nobody is to be told of us before. False: we end."""
        address = address_of(settings.backend_url or f"http://localhost:{settings.port}")
        deadline = time.monotonic() + LISTENING_S
        while not self._ends:
            try:
                socket.create_connection(address, 1.0).close()
                return True
            except OSError as error:
                if time.monotonic() > deadline:
                    _log.warning("%s:%d: %s; registering all the same", *address, error)
                    return True
            self._stop.wait(TICK_S)
        return False

    def _take_part(self, settings: MiddlewareSettings) -> None:
        backend = f"{settings.service} {settings.backend_url or settings.port}"
        rows = self._rows = SharedRows(folder_for(backend, settings.run_folder))
        self.tracker.join(rows)
        try:
            while not self._ends:
                self._departure.stand_before()
                rows.keep_visible()
                if rows.lead():
                    rows.reap()
                    if self._leader is None:
                        self._leader = Leader(settings, _load_in(rows), Random(), rows.probe_port)
                        rows.probe_port = self._leader.probe_port or 0
                self._stop.wait(TICK_S)
            if not self._silent:
                self._part(rows)
        finally:
            if self._leader is not None:
                self._leader.close()
            self.tracker.join(None)
            rows.close()

    def _part(self, rows: SharedRows) -> None:
        """Leave the others, or, with them, the gateways; these are told while the server still accepts."""
        rows.tell(self.tracker.state, leaves=True)
        if not self._all_leave(rows):
            return
        began = time.monotonic()
        self.tracker.state = LoadState.DRAINING
        rows.tell(LoadState.DRAINING, leaves=True)
        if self._leader is not None:
            self._leader.unregister()
            rows.left_at = time.monotonic()
        deadline = time.monotonic() + UNREGISTER_TIMEOUT_S
        # Another one may have led, and been sooner.
        while rows.left_at < began - SETTLE_S and time.monotonic() < deadline:
            time.sleep(TICK_S / 10)
        time.sleep(LINGER_S)

    def _all_leave(self, rows: SharedRows) -> bool:
        """Whether nobody stays, and nobody comes, as soon as that is clear."""
        began = time.monotonic()
        while True:
            told = rows.read()
            waited_s = time.monotonic() - began
            if not all(row.leaves for row in told):
                if waited_s > SETTLE_S:
                    return False
            elif waited_s > REPLACED_S or not coming([row.pid for row in told]):
                return True
            time.sleep(TICK_S / 5)


def _load_in(rows: SharedRows) -> Callable[[], LoadReport]:
    def load() -> LoadReport:
        now = time.monotonic()
        return load_of(added_up(rows.read(), now), now)

    return load
