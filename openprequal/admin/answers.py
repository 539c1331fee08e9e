"""How is an answer of the gateway's own sent, with which fields?"""

from collections.abc import Mapping
from typing import Final

from twisted.web.iweb import IRequest

from openprequal.admin import problems, views
from openprequal.admin.problems import Problem

# Nothing here is meant for a page: it is not kept, not taken for what it is not, and does nothing where it is shown.
FIELDS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)


def json_answer(request: IRequest, status: int, document: Mapping[str, object]) -> bytes:
    """*document* as the answer to *request*: its body, once status and fields are set on it."""
    return answer(request, status, views.CONTENT_TYPE, views.json_bytes(document))


def problem_answer(request: IRequest, problem: Problem) -> bytes:
    """The refusal of *request*."""
    for name, value in problem.headers.items():
        request.setHeader(name, value)
    return answer(request, problem.status, problems.CONTENT_TYPE, problem.body)


def answer(request: IRequest, status: int, content_type: bytes, body: bytes) -> bytes:
    """*body* as the answer to *request*."""
    request.setHeader(b"content-length", b"%d" % len(body))
    begin_answer(request, status, content_type)
    return body


def begin_answer(request: IRequest, status: int, content_type: bytes) -> None:
    """Set on *request* what every answer of ours has; its body may come later, and have no known length."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", content_type)
    for name, value in FIELDS:
        request.setHeader(name, value)
    request.responseHeaders.removeHeader(b"server")  # twisted.web's, which tells its version
