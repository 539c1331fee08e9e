"""Why did a handshake fail, in one word of few?"""

from typing import Final

from twisted.internet.error import ConnectionAborted

from openprequal.tls.session import TlsError

_WORDS: Final = {
    "HTTP_REQUEST": "not_tls",
    "HTTPS_PROXY_REQUEST": "not_tls",
    "WRONG_VERSION_NUMBER": "not_tls",
    "PACKET_LENGTH_TOO_LONG": "not_tls",
    "RECORD_LAYER_FAILURE": "not_tls",
    "UNSUPPORTED_PROTOCOL": "version",
    "VERSION_TOO_LOW": "version",
    "NO_SHARED_CIPHER": "cipher",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no_client_certificate",
    "CERTIFICATE_VERIFY_FAILED": "client_certificate",
    "UNEXPECTED_EOF_WHILE_READING": "closed",
}
"""OpenSSL's reasons."""


def class_of(reason: BaseException | None) -> str:
    """*reason* as one of a few words."""
    if isinstance(reason, ConnectionAborted):
        return "aborted"
    if not isinstance(reason, TlsError):
        return "closed"
    # TLSV1_ALERT_UNKNOWN_CA and the like: what the other side says of us.
    return "refused_by_client" if "_ALERT_" in reason.reason else _WORDS.get(reason.reason, "other")
