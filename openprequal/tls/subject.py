"""How is the subject of a client's certificate told to a backend?"""

from typing import Any

from cryptography.x509 import Certificate


def subject_of(transport: Any) -> bytes:
    """The subject of the certificate that the client has shown and we have checked, as RFC 4514 writes it; or nothing.

    Whatever is in it, only visible ASCII comes out: other characters as ``\\`` and two hexadecimal digits a byte, which
    the RFC allows (section 2.4).
    """
    try:
        shown = transport.getHandle().get_peer_certificate(as_cryptography=True)
        text = shown.subject.rfc4514_string() if isinstance(shown, Certificate) else ""
    except ValueError:  # OpenSSL takes certificates that this library does not
        return b""
    return "".join(each if " " <= each <= "~" else _escaped(each) for each in text).encode("ascii")


def _escaped(character: str) -> str:
    return "".join(f"\\{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
