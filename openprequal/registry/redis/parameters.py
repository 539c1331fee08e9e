"""What may be set on the registry in Redis?"""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, field_validator

from openprequal.registry.parameters import RegistryParameters
from openprequal.registry.redis.address import read_address

URL = "redis://[user:password@]host[:port][/database], rediss:// for TLS, or unix:///path?db=number"


class RedisParameters(RegistryParameters):
    """``registry_parameters`` of ``redis``."""

    url: SecretStr = Field(json_schema_extra={"allowed": URL})
    """Which Redis; write its password as `${NAME}`. Never shown."""
    prefix: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,100}$")] = Field(
        "openprequal", json_schema_extra={"allowed": "up to 100 printable ASCII characters without spaces"}
    )
    """What its keys begin with: gateways with the same prefix share who exists."""
    poll_seconds: float = Field(0.25, ge=0.05, le=1.0)
    """How often is asked for changes that others made, in seconds; heartbeats are passed on as often."""
    timeout_seconds: float = Field(2.0, ge=0.1, le=30.0)
    """Without an answer for so long, Redis is away and another connection is tried."""

    @field_validator("url")
    @classmethod
    def _means_an_address(cls, url: SecretStr) -> SecretStr:
        read_address(url.get_secret_value())
        return url
