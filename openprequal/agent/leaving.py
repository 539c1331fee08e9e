"""How does a backend leave without a request lost? It says so, unregisters, and answers what is in flight."""

from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openprequal.agent.gateways import Gateways
from openprequal.agent.load import LoadTracker
from openprequal.values import LoadState

_log: Final = Logger()


async def leave(clock: IReactorTime, tracker: LoadTracker, gateways: Gateways | None, grace_s: float) -> None:
    """Done when nothing more is to be expected here; keep listening until then, because gateways send until they heard.

    :param grace_s: how long requests in flight may take.
    """
    tracker.state = LoadState.DRAINING
    if gateways is not None:
        await gateways.stopService()
    await tracker.when_idle().addTimeout(grace_s, clock, onTimeoutCancel=lambda result, timeout_s: None)
    if tracker.rif:
        _log.warn("ending with {rif} requests in flight", rif=tracker.rif)
