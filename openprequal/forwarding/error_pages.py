"""How does an error look to the client? A problem document, or a page of the operator's where the client wants one."""

import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from openprequal.errors import ConfigurationError, GatewayError
from openprequal.forwarding.problem import CONTENT_TYPE as PROBLEM
from openprequal.forwarding.problem import error_fields, problem
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead

MAX_BYTES: Final = 64 * 1024
"""Of one page: it is sent in one piece, perhaps to everybody at once."""

_NAME: Final = re.compile(r"([45][0-9][0-9]|4xx|5xx)\.(html|json)")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_TYPES: Final = {"html": "text/html", "json": "application/json"}
_KNOWN: Final = ("status", "reason", "request_id")


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


_ESCAPES: Final[Mapping[str, Callable[[str], str]]] = {"html": html.escape, "json": _in_json}


class ErrorPages:
    """Problem documents (RFC 9457), and pages beside or instead of them, by status and kind."""

    def __init__(self, pages: Mapping[str, str] | None = None) -> None:
        """:param pages: by name as in :func:`read_error_pages`."""
        self._pages = dict(pages or {})

    def answer(self, error: GatewayError, head: RequestHead | None) -> tuple[list[Field], bytes]:
        """Fields and content of the response to a request that ended with *error*.

        :param head: of the request; None: it could not be read.
        """
        accept = head.header(b"accept") if head is not None and self._pages else None
        kind = self._kind(error.status, accept)
        page = self._page(error.status, kind)
        if page is None:
            return problem(error)
        request_id = (head.header(b"x-request-id") if head is not None else None) or error.request_id
        values = {
            "status": str(error.status),
            "reason": error.title,
            "request_id": request_id.decode("ascii", "replace"),
        }
        content = _filled(page, kind, values)
        return [
            Field(b"Content-Type", f"{_TYPES[kind]}; charset=utf-8".encode()),
            *error_fields(error, content),
        ], content

    def _kind(self, status: int, accept: bytes | None) -> str:
        if accept is None or self._page(status, "html") is None:
            return "json"
        # Only here, where there are pages: a sidecar, say, starts without it.
        from werkzeug.datastructures import MIMEAccept
        from werkzeug.http import parse_accept_header

        accepted = parse_accept_header(accept.decode("latin-1"), MIMEAccept)
        wanted = accepted.best_match([PROBLEM, _TYPES["json"], _TYPES["html"]], PROBLEM)
        return "html" if wanted == _TYPES["html"] else "json"

    def _page(self, status: int, kind: str) -> str | None:
        return self._pages.get(f"{status}.{kind}") or self._pages.get(f"{status // 100}xx.{kind}")


PLAIN: Final = ErrorPages()
"""Problem documents for all."""


def read_error_pages(directory: str | None) -> ErrorPages:
    """The pages in *directory*: ``503.html``, ``5xx.html``, and so with ``.json`` in the place of problem documents.

    :raises ConfigurationError: something in it cannot be used; hidden files are not looked at.
    """
    if directory is None:
        return PLAIN
    try:
        files = sorted(file for file in Path(directory).iterdir() if not file.name.startswith("."))
        return ErrorPages({file.name: _read(file) for file in files})
    except OSError as error:
        raise ConfigurationError(f"error_pages: {error.filename}: cannot be read: {error.strerror}") from None


def _read(file: Path) -> str:
    name = _NAME.fullmatch(file.name)
    if name is None:
        raise ConfigurationError(f"error_pages: {file}: must be named like 503.html, 5xx.html or 503.json")
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigurationError(f"error_pages: {file}: may have {MAX_BYTES} bytes")
    try:
        page = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"error_pages: {file}: is not UTF-8") from None
    for word in _PLACEHOLDER.findall(page):
        if word not in _KNOWN:
            raise ConfigurationError(
                f"error_pages: {file}: {ascii(word)[:60]} is unknown, only {', '.join(_KNOWN)} can stand in {{{{ }}}}"
            )
    if name[2] == "json":
        try:
            json.loads(_filled(page, "json", dict.fromkeys(_KNOWN, "1")))
        except ValueError:
            raise ConfigurationError(f"error_pages: {file}: is not JSON") from None
    return page


def _filled(page: str, kind: str, values: Mapping[str, str]) -> bytes:
    escape = _ESCAPES[kind]
    return _PLACEHOLDER.sub(lambda match: escape(values[match[1]]), page).encode("utf-8")
