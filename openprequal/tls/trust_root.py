"""Authorities as Twisted's HTTP client takes them, which asks key servers, other judges and API servers."""

from typing import Any

from openprequal.tls.certificates import read_authorities


def trust_root(ca_file: str | None, *setting: str) -> Any:
    """The authorities in *ca_file* (PEM, one or more), an ``IOpenSSLTrustRoot``; None for the platform's own.

    :param setting: the way to what names the file.
    :raises ConfigurationError: it cannot be read or holds no certificate.
    """
    if ca_file is None:
        return None
    from OpenSSL.crypto import X509
    from twisted.internet.ssl import Certificate, trustRootFromCertificates

    authorities = read_authorities(ca_file, *setting)
    return trustRootFromCertificates([Certificate(X509.from_cryptography(each)) for each in authorities])
