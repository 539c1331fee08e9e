"""Whose certificates are believed when the other side speaks TLS?"""

from typing import Any

from openprequal.errors import ConfigurationError, KeyPath


def trust_root(ca_file: str | None, about: KeyPath = ("upstream_ca_file",)) -> Any:
    """The authorities in *ca_file* (PEM, one or more); None for the platform's own.

    :param about: the setting that names it.
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
    except OSError as error:
        raise ConfigurationError(f"{ca_file!r} cannot be read: {error.strerror}", about=about) from None
    except (ValueError, Error) as error:
        raise ConfigurationError(f"{ca_file!r} cannot be used: {error}", about=about) from None
    if not certificates:
        raise ConfigurationError(f"{ca_file!r} holds no certificate in PEM", about=about)
    return trustRootFromCertificates(certificates)
