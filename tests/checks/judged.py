"""Requests to be judged, and the credentials they bring."""

import base64

from twisted.internet.defer import Deferred

from openprequal.checks.verdict import Verdict
from openprequal.http1.request import RequestHead, parse_request_head

CLIENT = "192.0.2.1"
SECRET = b"of this process"


def request(*lines: bytes, method: bytes = b"GET", target: bytes = b"/x?y", client: str = CLIENT) -> RequestHead:
    """A request with those field lines."""
    return parse_request_head(b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: a.test", *lines]), client)


def basic(user: str, password: str | bytes) -> bytes:
    """The field line of RFC 7617."""
    password = password.encode() if isinstance(password, str) else password
    return b"Authorization: Basic " + base64.b64encode(user.encode() + b":" + password)


def bearer(token: str | bytes) -> bytes:
    """The field line of RFC 6750."""
    return b"Authorization: Bearer " + (token.encode() if isinstance(token, str) else token)


def now_of(verdict: "Verdict | Deferred[Verdict]") -> Verdict:
    """The verdict, which must be there."""
    if isinstance(verdict, Deferred):
        found: list[Verdict] = []
        verdict.addCallback(found.append)
        (verdict,) = found
    return verdict
