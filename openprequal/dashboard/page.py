"""Which files is the page made of, and what keeps a browser from doing anything else with them?"""

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Final

from attrs import frozen
from twisted.web.iweb import IRequest

from openprequal.admin.answers import begin_answer

INDEX: Final = "index.html"
_TYPES: Final = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    b" form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing but our own files, no script in the markup, and no text that a script could turn into markup (Trusted
Types)."""
_FIELDS: Final = (
    (b"content-security-policy", POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
)


@frozen
class File:
    """One file of the page."""

    content_type: bytes
    content: bytes
    tag: bytes
    """Its ETag."""

    def answer(self, request: IRequest) -> bytes:
        """The file as the answer to *request*, or that what the browser has is still it."""
        begin_answer(request, 200, self.content_type)
        for name, value in _FIELDS:
            request.setHeader(name, value)
        if request.setETag(self.tag):  # twisted.web then answers with 304
            return b""
        request.setHeader(b"content-length", b"%d" % len(self.content))
        return self.content


def read_files() -> Mapping[str, File]:
    """All files of the page, by name; they are few and small enough to be kept."""
    found = {}
    for file in files(__package__).joinpath("static").iterdir():
        content = file.read_bytes()
        tag = b'"%b"' % sha256(content).hexdigest()[:16].encode("ascii")
        found[file.name] = File(_TYPES[file.name.rpartition(".")[2]], content, tag)
    return found
