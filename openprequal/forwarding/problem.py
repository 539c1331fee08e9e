"""How an error looks to the client: a short problem document without internals (RFC 9457)."""

import json

from openprequal.errors import GatewayError, NoBackend, ServiceBusy
from openprequal.http1.fields import Field

_CONTENT_TYPE = Field(b"Content-Type", b"application/problem+json")
_NO_STORE = Field(b"Cache-Control", b"no-store")
_RETRY_AFTER = Field(b"Retry-After", b"1")


def problem(error: GatewayError) -> tuple[list[Field], bytes]:
    """Fields and content of the response to a request that ended with *error*."""
    fields, body = problem_document(error.status, error.title)
    if isinstance(error, NoBackend | ServiceBusy):
        fields.append(_RETRY_AFTER)
    return fields, body


def problem_document(status: int, title: str) -> tuple[list[Field], bytes]:
    """The same for whatever ended with *status*."""
    body = json.dumps({"type": "about:blank", "title": title, "status": status}).encode() + b"\n"
    return [_CONTENT_TYPE, _NO_STORE, Field(b"Content-Length", b"%d" % len(body))], body
