"""How an error looks to the client unless the operator has a page for it: a short problem document (RFC 9457)."""

import json
from math import ceil
from typing import Final

from openprequal.errors import GatewayError, NoBackend, ServiceBusy, TooManyRequests
from openprequal.http1.fields import Field

CONTENT_TYPE: Final = "application/problem+json"
_CONTENT_TYPE = Field(b"Content-Type", CONTENT_TYPE.encode("ascii"))
_NO_STORE = Field(b"Cache-Control", b"no-store")
_RETRY_AFTER = Field(b"Retry-After", b"1")


def problem(error: GatewayError) -> tuple[list[Field], bytes]:
    """Fields and content of the response to a request that ended with *error*, without internals."""
    document = {"type": "about:blank", "title": error.title, "status": error.status}
    body = json.dumps(document).encode() + b"\n"
    return [_CONTENT_TYPE, *error_fields(error, body)], body


def error_fields(error: GatewayError, body: bytes) -> list[Field]:
    """Fields of a response to *error* with the content *body*, whatever that is."""
    fields = [_NO_STORE, _length(body)]
    if isinstance(error, NoBackend | ServiceBusy):
        fields.append(_RETRY_AFTER)
    elif isinstance(error, TooManyRequests):
        # Whole seconds (RFC 9110 section 10.2.3); rounded up, or it would be tried too early.
        fields.append(Field(b"Retry-After", b"%d" % max(1, ceil(error.wait_s))))
    return fields


def _length(body: bytes) -> Field:
    return Field(b"Content-Length", b"%d" % len(body))
