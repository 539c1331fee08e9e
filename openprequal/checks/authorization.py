"""What does a client say of itself in Authorization? (RFC 9110 section 11.6.2, RFC 7617, RFC 6750)

Whatever it says: nothing here raises.
"""

import binascii
import re
from typing import Final, NamedTuple

from openprequal.http1.fields import TOKEN
from openprequal.http1.request import RequestHead

AUTHORIZATION: Final = b"authorization"
# credentials = auth-scheme 1*SP token68, the one form that both schemes here have (RFC 9110 section 11.4).
_CREDENTIALS: Final = re.compile(rb"(" + TOKEN + rb") +([A-Za-z0-9\-._~+/]+=*)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Authorization(NamedTuple):
    """What a request brought."""

    scheme: bytes
    """In lower case; empty if it cannot be read."""
    credentials: bytes

    def __repr__(self) -> str:
        return f"Authorization({self.scheme!r}, …)"


def authorization_of(request: RequestHead) -> Authorization | None:
    """What *request* brought; None if nothing.

    More than one field cannot be read: whoever is behind us might believe the other one.
    """
    values = [field.value for field in request.head_fields if field.key == AUTHORIZATION]
    if not values:
        return None
    match = _CREDENTIALS.fullmatch(values[0]) if len(values) == 1 else None
    return Authorization(match[1].lower(), match[2]) if match is not None else Authorization(b"", b"")


def user_and_password(credentials: bytes) -> tuple[str, bytes] | None:
    """The user and, in UTF-8, the password (RFC 7617 section 2); None if they cannot be read."""
    try:
        text = binascii.a2b_base64(credentials, strict_mode=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    if not colon or _CONTROL.search(text):
        return None
    return user, password.encode("utf-8")


def quoted(text: str) -> bytes:
    """*text* as a quoted-string (RFC 9110 section 5.6.4)."""
    return b'"' + re.sub(r'(["\\])', r"\\\1", text).encode("ascii", "replace") + b'"'
