"""How is a response of our own sent, which is here as a whole?"""

from typing import Final

from openprequal.forwarding.downstream import Downstream
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.phrases import PHRASES
from openprequal.http1.request import RequestHead

WITHOUT_LENGTH: Final = (204, 304)
"""Statuses of responses that end with their head, whatever it says (RFC 9112 section 6.3)."""
_WITHOUT_CONTENT: Final = (*WITHOUT_LENGTH, 205)


def respond_whole(client: Downstream, request: RequestHead, status: int, section: FieldSection, content: bytes) -> None:
    """Answer *request* with *content*, as far as it and the status may have any, and the field that says its length.

    :param section: the other fields.
    """
    if status in _WITHOUT_CONTENT:
        content = b""
    if status not in WITHOUT_LENGTH:
        section = section.plus(Field(b"Content-Length", b"%d" % len(content)))
    chunk = b"" if request.method == b"HEAD" else content
    client.respond(status, PHRASES.get(status, b""), section, len(content), chunk, True)
