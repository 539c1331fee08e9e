"""How does a backend leave without a request lost? It says so, unregisters, and answers what is in flight."""

from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openprequal.agent.gateways import Gateways
from openprequal.agent.load import LoadTracker
from openprequal.values import LoadState

LAST_REQUESTS_S: Final = 0.25
"""What a gateway sent before it heard that we leave may still be on its way, on a connection just opened even."""

_log: Final = Logger()


async def leave(clock: IReactorTime, tracker: LoadTracker, gateways: Gateways | None, grace_s: float) -> None:
    """Done when nothing more is to be expected here; keep listening until then, because gateways send until they heard.

    :param grace_s: how long requests in flight may take.
    """
    tracker.state = LoadState.DRAINING
    if gateways is not None and gateways.running:
        await gateways.stopService()
        await deferLater(clock, min(LAST_REQUESTS_S, grace_s))
    await tracker.when_idle().addTimeout(grace_s, clock, onTimeoutCancel=lambda result, timeout_s: None)
    # It became idle in the middle of ending a response.
    await deferLater(clock, 0)
    if tracker.rif:
        _log.warn("ending with {rif} requests in flight", rif=tracker.rif)
