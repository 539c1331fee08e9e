"""``twistd openprequal-backend``: from the command line to the service of a sidecar, or of the example backend."""

import signal
from typing import Any

from twisted.application.service import IService, MultiService

from openprequal.command import CommandOptions, make_service
from openprequal.config.agent import AgentSettings
from openprequal.demo import ParentWatch


class Options(CommandOptions):
    """One flag for each of :class:`~openprequal.config.agent.AgentSettings`."""

    role = "openprequal-backend"
    model = AgentSettings
    longdesc = (
        "Runs at a backend. With --upstream a sidecar: it stands before a service in any language, registers it by"
        " heartbeat while it is there, and tells its load. Without, an example backend, also useful as a load: it"
        " answers any path with who it is, takes as long as told, and registers itself."
    )
    examples = (
        "twistd openprequal-backend --port 8001 --upstream http://127.0.0.1:5000",
        "twistd openprequal-backend --port 8001 --proxy-url dns+http://gateways.example:8000",
        "twistd -n openprequal-backend --port 8002 --work-seconds 0.05 --cores 2",
    )


def makeService(options: Options) -> IService:
    """The sidecar or the example backend, as *options* say."""
    return make_service(options, _build)


def _build(reactor: Any, settings: AgentSettings) -> IService:
    from openprequal.agent.assembly import backend
    from openprequal.sidecar.assembly import sidecar

    service = MultiService()
    (backend if settings.upstream is None else sidecar)(reactor, settings).setServiceParent(service)
    if settings.exit_with_parent is not None:
        # Ctrl-C reaches the whole process group; when we end is the parent's to say.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ParentWatch(reactor, settings.exit_with_parent, reactor.stop).setServiceParent(service)  # type: ignore[no-untyped-call]
    return service
