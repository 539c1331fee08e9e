"""Who looks at the dashboard, and how is each told what is new? By server-sent events (HTML standard, section 9.2).

Nothing is computed while nobody looks, and each snapshot once for all who do. Who takes them too slowly gets fewer: as
long as the last one is not taken it gets none, and then one that has everything. So what waits for a viewer is bounded,
and so are the viewers.
"""

from collections.abc import Mapping
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openprequal.admin.answers import begin_answer
from openprequal.admin.problems import Problem
from openprequal.admin.views import json_bytes
from openprequal.clocks import Periodic
from openprequal.dashboard.snapshot import Looked, Snapshots

EVERY_S: Final = 1.0
MOST_VIEWERS: Final = 16
LIFETIME_S: Final = 900.0
"""Then a stream ends, and the page asks for another: so who has no valid token any more is out."""
STALLED_S: Final = 30.0
"""Who takes nothing for so long is gone, and nobody has told us."""
CONTENT_TYPE: Final = b"text/event-stream"


@implementer(IPushProducer)
class _Viewer:
    """One response that goes on, and how fast it is taken."""

    __slots__ = ("_clock", "behind", "request", "since_s", "stalled_s", "takes")

    def __init__(self, clock: IReactorTime, request: Any) -> None:
        self.request = request
        self.since_s = clock.seconds()
        self.behind = True
        """It has not seen all snapshots, or none."""
        self.takes = True
        self.stalled_s = 0.0
        """Since when it does not take."""
        self._clock = clock

    def pauseProducing(self) -> None:
        self.takes = False
        self.stalled_s = self._clock.seconds()

    def resumeProducing(self) -> None:
        self.takes = True

    def stopProducing(self) -> None:
        """The request's ``notifyFinish`` says so too."""

    def send(self, event: bytes, full: bytes) -> None:
        self.request.write(full if self.behind else event)
        self.behind = False

    def end(self) -> None:
        self.request.unregisterProducer()
        self.request.finish()


class Stream(Service):
    """Sends snapshots to those who look. Stops with the gateway, before its requests are waited for.

    :ivar showing: runs while somebody looks.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, looked: Looked, about: Mapping[str, object]) -> None:
        """:param about: told first on each stream."""
        self._clock = clock
        self._looked = looked
        self._hello = _event("hello", json_bytes({**about, "every_seconds": EVERY_S}).rstrip())
        self._viewers: dict[_Viewer, None] = {}
        self._snapshots: Snapshots | None = None
        self._stopped = False
        self.showing = Periodic(clock, EVERY_S, self._show, "dashboard")

    @property
    def viewers(self) -> int:
        """How many look now."""
        return len(self._viewers)

    def watch(self, request: Any) -> None:
        """Answer *request* with all that happens from now on.

        :raises Problem: 503; too many look already, or the gateway is about to end.
        """
        if self._stopped:
            raise Problem(503, "shutting down")
        if len(self._viewers) >= MOST_VIEWERS:
            raise Problem(503, f"{MOST_VIEWERS} look at the dashboard already", headers={b"retry-after": b"10"})
        begin_answer(request, 200, CONTENT_TYPE)
        request.setHeader(b"x-accel-buffering", b"no")  # or nginx in front keeps it until there is more
        viewer = _Viewer(self._clock, request)
        self._viewers[viewer] = None
        request.notifyFinish().addBoth(lambda _: self._gone(viewer))
        request.registerProducer(viewer, True)
        request.write(self._hello)
        if self._snapshots is not None:
            viewer.send(b"", _event("snapshot", self._snapshots.full()))
        self.showing.start(now=True)

    def stopService(self) -> None:
        """End all streams; those who look see the gateway that comes next, if there is one."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._stopped = True
        for viewer in list(self._viewers):
            viewer.end()

    def _gone(self, viewer: _Viewer) -> None:
        self._viewers.pop(viewer, None)

    def _rest(self) -> bool:
        """Stop if nobody looks. Only from within a turn: another could begin while one that waits is not over."""
        if not self._viewers:
            self._snapshots = None
            self.showing.stop()
        return not self._viewers

    async def _show(self) -> None:
        if self._rest():
            return
        snapshots = self._snapshots or Snapshots(self._clock, self._looked)
        event = _event("snapshot", await snapshots.next())
        if self._rest():
            return
        self._snapshots = snapshots
        full = b""
        now = self._clock.seconds()
        for viewer in list(self._viewers):
            if not viewer.takes:
                viewer.behind = True
                if now - viewer.stalled_s > STALLED_S:
                    viewer.request.transport.abortConnection()
            elif now - viewer.since_s > LIFETIME_S:
                viewer.end()
            else:
                if viewer.behind:
                    full = full or _event("snapshot", snapshots.full())
                viewer.send(event, full)


def _event(name: str, data: bytes) -> bytes:
    """One event; *data* is on one line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), data)
