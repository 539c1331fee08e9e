"""``twistd openprequal``: from the command line to the gateway's service."""

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from twisted.application.service import IService

from openprequal.command import CommandOptions, make_service
from openprequal.config.gateway import GatewaySettings
from openprequal.errors import ConfigurationError


class Options(CommandOptions):
    """One flag for each of :class:`~openprequal.config.gateway.GatewaySettings`."""

    role = "openprequal"
    model = GatewaySettings
    longdesc = (
        "An HTTP gateway that sends each request to the backend that will answer soonest now. Backends register"
        " themselves, or by POST /register."
    )
    examples = ("twistd openprequal --port 8000", "twistd -n openprequal --port 8000 --demo 3")

    def objections(self, reactor: Any, settings: GatewaySettings) -> Iterator[ConfigurationError]:
        """What *settings* name that cannot be used."""
        from openprequal.survey import objections

        yield from super().objections(reactor, settings)
        yield from objections(reactor, settings)


def makeService(options: Options) -> IService:
    """The gateway as *options* say: the whole of it, one of its workers, or the parent of those."""
    from openprequal.assembly import gateway
    from openprequal.crew_assembly import parent, worker
    from openprequal.descriptors import raise_limit
    from openprequal.restart.successor import CommandLine

    raise_limit()
    reread = options.reread_settings
    if options.place is not None:
        return make_service(options, partial(worker, place=options.place, reread=reread))
    command = CommandLine(sys.orig_argv, options.directory, options.parent) if options.parent is not None else None
    if options.settings.worker_count > 1 and command is not None and not options["check"]:
        return make_service(options, partial(parent, reread=reread, command=command, inheritance=options.inheritance))
    return make_service(
        options,
        partial(gateway, reread=reread, command=command, inheritance=options.inheritance),
    )
