"""How do answers of the admin API get onto the wire: which header fields, and what of requests nobody can route?"""

from collections.abc import Mapping
from typing import Final

from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from werkzeug.exceptions import HTTPException

from openprequal.admin import problems, views
from openprequal.admin.problems import Problem

# Nothing here is meant for a page: it is not kept, not taken for what it is not, and does nothing where it is shown.
_FIELDS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)


class AnyRequest(Resource):
    """Keeps from Klein what it cannot route: it binds its routes to the Host before any of its error handlers hears."""

    isLeaf = True

    def __init__(self, routes: IResource) -> None:
        Resource.__init__(self)
        self._routes = routes

    def render(self, request: IRequest) -> int | bytes:
        try:
            result: int | bytes = self._routes.render(request)
        except (HTTPException, UnicodeError):
            return problem_answer(request, Problem(400, "not a valid host or method"))
        return result


def json_answer(request: IRequest, status: int, document: Mapping[str, object]) -> bytes:
    """Answer *document*."""
    return answer(request, status, views.CONTENT_TYPE, views.json_bytes(document))


def problem_answer(request: IRequest, problem: Problem) -> bytes:
    """Answer that it cannot be."""
    for name, value in problem.headers.items():
        request.setHeader(name, value)
    return answer(request, problem.status, problems.CONTENT_TYPE, problem.body)


def answer(request: IRequest, status: int, content_type: bytes, body: bytes) -> bytes:
    """Answer *body*, whole."""
    request.setHeader(b"content-length", b"%d" % len(body))
    begin_answer(request, status, content_type)
    return body


def begin_answer(request: IRequest, status: int, content_type: bytes) -> None:
    """Set on *request* what every answer of ours has; its body may come later, and have no known length."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", content_type)
    for name, value in _FIELDS:
        request.setHeader(name, value)
    request.responseHeaders.removeHeader(b"server")  # twisted.web's, which tells its version
