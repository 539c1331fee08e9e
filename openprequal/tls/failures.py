"""Why did a handshake fail, in one word of few?"""

from typing import Final

from OpenSSL.SSL import Error
from twisted.internet.error import ConnectionAborted

_WORDS: Final = (
    ("http request", "not_tls"),
    ("https proxy request", "not_tls"),
    ("wrong version number", "not_tls"),
    ("packet length too long", "not_tls"),
    ("did not return a certificate", "no_client_certificate"),
    ("alert", "refused_by_client"),
    ("certificate verify failed", "client_certificate"),
    ("version", "version"),
    ("unsupported protocol", "version"),
    ("no shared cipher", "cipher"),
    ("unexpected eof", "closed"),
)
"""What OpenSSL says, by a part of it; the first that fits."""


def class_of(reason: BaseException | None) -> str:
    """*reason* as one of a few words."""
    if isinstance(reason, ConnectionAborted):
        return "aborted"
    if not isinstance(reason, Error):
        return "closed"
    text = " ".join(str(part) for entry in reason.args[:1] for each in entry for part in each).lower()
    return next((word for part, word in _WORDS if part in text), "other")
