"""How does the admin API say no: which document, which header fields?"""

import json
from collections.abc import Mapping
from http import HTTPStatus

from openprequal.errors import RegistrationRefused

CONTENT_TYPE = b"application/problem+json"


class Problem(Exception):
    """A refusal as its caller gets to see it (RFC 9457)."""

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        field: str | None = None,
        headers: Mapping[bytes, bytes] | None = None,
    ) -> None:
        """
        :param field: the member of the body, or the header field, that is at fault.
        :param headers: to be sent along, such as ``Allow``.
        """
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers or {}

    @classmethod
    def of(cls, refused: RegistrationRefused) -> "Problem":
        """The problem that a refused registration becomes."""
        return cls(refused.status, refused.reason, field=refused.field)

    @property
    def body(self) -> bytes:
        """The document; members that have nothing to say are left out."""
        document: dict[str, object] = {"type": "about:blank", "title": title_of(self.status), "status": self.status}
        if self.detail is not None:
            document["detail"] = self.detail
        if self.field is not None:
            document["field"] = self.field
        return json.dumps(document).encode("ascii") + b"\n"


def title_of(status: int) -> str:
    """The status's own phrase, as ``about:blank`` asks for (RFC 9457 section 4.2.1)."""
    if status == 413:
        return "Content Too Large"  # RFC 9110's name; Python before 3.13 has an older one
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
