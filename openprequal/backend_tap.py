"""``twistd openprequal-backend``: from the command line to the example backend's service."""

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
        "An example backend, also useful as a load: it answers any path with who it is, takes as long as told, and"
        " registers itself by heartbeat."
    )
    examples = (
        "twistd openprequal-backend --port 8001",
        "twistd -n openprequal-backend --port 8002 --work-seconds 0.05 --cores 2",
    )


def makeService(options: Options) -> IService:
    """The example backend as *options* say."""
    return make_service(options, _build)


def _build(reactor: Any, settings: AgentSettings) -> IService:
    from openprequal.agent.assembly import backend

    service = MultiService()
    backend(reactor, settings).setServiceParent(service)
    if settings.exit_with_parent is not None:
        # Ctrl-C reaches the whole process group; when we end is the parent's to say.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ParentWatch(reactor, settings.exit_with_parent, reactor.stop).setServiceParent(service)  # type: ignore[no-untyped-call]
    return service
