"""Who is told of every request, by these settings?"""

from collections.abc import Sequence

from openprequal.config.gateway import GatewaySettings
from openprequal.forwarding.journey import Witness
from openprequal.tracing.tracing import Tracing


class Witnessing:
    """Those who are told; they outlive a reload that changes nothing of theirs."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def of(self, settings: GatewaySettings) -> Sequence[Witness]:
        """Who is told while *settings* hold, in order."""
        tracer = self._tracing.tracer(settings)
        return () if tracer is None else (tracer,)
