"""Who is told of every request, by these settings?"""

from collections.abc import Sequence

from openprequal.config.gateway import GatewaySettings
from openprequal.forwarding.journey import Witness


class Witnessing:
    """Those who are told; they outlive a reload that changes nothing of theirs."""

    def of(self, settings: GatewaySettings) -> Sequence[Witness]:
        """Who is told while *settings* hold, in order."""
        return ()
