"""What may be said of one rate limit, a table ``[[rate_limits]]`` of the file?"""

from math import ceil
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from openprequal.config.schema import LimitedBy, ServiceName


class RateLimitSettings(BaseModel):
    """One limit on how often requests may come."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    by: LimitedBy
    per_second: Annotated[float, Field(gt=0, le=1e6)]
    burst: Annotated[int, Field(ge=1, le=10**9)] | None = None
    name: ServiceName | None = None

    @property
    def effective_burst(self) -> int:
        """As many as come in a second, if nothing is said."""
        return self.burst or ceil(self.per_second)

    @property
    def effective_name(self) -> str:
        """What it limits, if it has no name."""
        return self.name or self.by.lower()
