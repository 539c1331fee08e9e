"""Which paths are the dashboard's, and who gets what there? The page, its files and the stream."""

from typing import Final

from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from openprequal.admin.access import AccessRules, objection_to
from openprequal.admin.answers import problem_answer
from openprequal.admin.problems import Problem
from openprequal.dashboard.page import INDEX, read_files
from openprequal.dashboard.stream import Stream

PAGE: Final = b"/_openprequal/dashboard"
STREAM: Final = b"/_openprequal/stream"


class DashboardPaths(Resource):
    """Answers for the dashboard, and leaves all other paths to the admin API.

    The page and its files hold nothing that is not in the package, so whoever might have a token gets them: without
    them it could not be entered. The stream is for those who may call the admin API.
    """

    isLeaf = True

    def __init__(self, others: IResource, access: AccessRules, stream: Stream | None) -> None:
        """:param stream: None: the requests are those of other processes."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._others = others
        self._access = access
        self._stream = stream
        self._files = read_files()

    def render(self, request: IRequest) -> int | bytes:
        """Called by the Site."""
        path = request.path
        if path != STREAM and path != PAGE and not path.startswith(PAGE + b"/"):
            others: int | bytes = self._others.render(request)
            return others
        try:
            if request.method not in (b"GET", b"HEAD"):
                raise Problem(405, "allowed: GET, HEAD", headers={b"allow": b"GET, HEAD"})
            return self._watch(request) if path == STREAM else self._file(request)
        except Problem as problem:
            return problem_answer(request, problem)

    def _watch(self, request: IRequest) -> int:
        objection = objection_to(self._access, request)
        if objection is not None:
            raise Problem(403, objection)
        if request.method == b"HEAD":
            raise Problem(405, "allowed: GET", headers={b"allow": b"GET"})
        if self._stream is None:
            raise Problem(404, "each worker shows its own part, at the port of the requests; openprequal top shows all")
        self._stream.watch(request)
        return NOT_DONE_YET

    def _file(self, request: IRequest) -> bytes:
        objection = self._access.objection_to_page(request.getClientAddress())
        if objection is not None:
            raise Problem(403, objection)
        name = request.path.removeprefix(PAGE).removeprefix(b"/").decode("ascii", "replace") or INDEX
        file = self._files.get(name)
        if file is None or request.path == PAGE + b"/":
            raise Problem(404)
        return file.answer(request)
