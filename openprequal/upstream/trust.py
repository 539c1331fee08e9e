"""Whose certificates are believed when a backend speaks TLS?"""

from typing import Any

from openprequal.errors import ConfigurationError


def trust_root(ca_file: str | None) -> Any:
    """The authorities in *ca_file* (PEM, one or more); None for the platform's own.

    :raises ConfigurationError: the file cannot be read or holds no certificate.
    """
    if ca_file is None:
        return None
    from OpenSSL.SSL import Error
    from twisted.internet.ssl import Certificate, trustRootFromCertificates

    try:
        with open(ca_file, encoding="ascii") as file:
            blocks = file.read().split("-----BEGIN CERTIFICATE-----")[1:]
        certificates = [Certificate.loadPEM(f"-----BEGIN CERTIFICATE-----{block}".encode("ascii")) for block in blocks]
    except (OSError, ValueError, Error) as error:
        raise ConfigurationError(f"upstream_ca_file: {ca_file!r} cannot be used: {error}") from None
    if not certificates:
        raise ConfigurationError(f"upstream_ca_file: {ca_file!r} holds no certificate in PEM")
    return trustRootFromCertificates(certificates)
