"""How an error looks to the client: a short problem document without internals (RFC 9457)."""

import json
from math import ceil

from openprequal.errors import GatewayError, NoBackend, ServiceBusy, TooManyRequests
from openprequal.http1.fields import Field

_CONTENT_TYPE = Field(b"Content-Type", b"application/problem+json")
_NO_STORE = Field(b"Cache-Control", b"no-store")
_RETRY_AFTER = Field(b"Retry-After", b"1")


def problem(error: GatewayError) -> tuple[list[Field], bytes]:
    """Fields and content of the response to a request that ended with *error*."""
    body = json.dumps({"type": "about:blank", "title": error.title, "status": error.status}).encode() + b"\n"
    fields = [_CONTENT_TYPE, _NO_STORE, Field(b"Content-Length", b"%d" % len(body))]
    if isinstance(error, NoBackend | ServiceBusy):
        fields.append(_RETRY_AFTER)
    elif isinstance(error, TooManyRequests):
        # Whole seconds (RFC 9110 section 10.2.3); rounded up, or it would be tried too early.
        fields.append(Field(b"Retry-After", b"%d" % max(1, ceil(error.wait_s))))
    return fields, body
