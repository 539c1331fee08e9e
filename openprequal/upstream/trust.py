"""Whose certificates are believed when a backend speaks TLS, and which is it shown?"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from OpenSSL.crypto import X509, PKey
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from openprequal.tls.certificates import read_authorities, read_certificates
from openprequal.tls.files import FromFiles


@frozen
class UpstreamTlsRules:
    """What the settings say of TLS with backends."""

    ca_file: str | None = None
    """PEM file of the authorities; None: the platform's own."""
    certificate_file: str | None = None
    """What backends are shown; None: nothing."""
    server_name: str | None = None
    """Whom their certificates must be for; None: the host of their URL."""


class UpstreamTls:
    """TLS with backends; what its files say may change.

    :ivar read: where it comes from.
    """

    def __init__(self, rules: UpstreamTlsRules) -> None:
        """:raises ConfigurationError: something in the files cannot be used."""
        self.read = FromFiles("what backends are believed by", rules, _Read, _paths)

    def options(self, host: str) -> Any:
        """What makes connections with the TLS of backends on *host* (an ``IOpenSSLClientConnectionCreator``)."""
        return self.read.current.options(self.read.rules.server_name or host)


class _Read:
    """What was read from the files."""

    def __init__(self, rules: UpstreamTlsRules) -> None:
        self._trust_root = None if rules.ca_file is None else _trust_root(rules.ca_file)
        self._shown = _shown(rules.certificate_file) if rules.certificate_file is not None else {}
        self._options: dict[str, Any] = {}
        # What OpenSSL makes of it is found out now, not at the first connection.
        if self._shown:
            self.options("localhost")

    def options(self, name: str) -> Any:
        # The authorities are read anew for each: tens of milliseconds.
        found = self._options.get(name)
        if found is None:
            found = self._options[name] = optionsForClientTLS(
                name, trustRoot=self._trust_root, extraCertificateOptions=dict(self._shown)
            )
        return found


def _trust_root(ca_file: str) -> Any:
    authorities = read_authorities(ca_file, "upstream_ca_file")
    return trustRootFromCertificates([Certificate(X509.from_cryptography(each)) for each in authorities])


def _shown(certificate_file: str) -> dict[str, Any]:
    (certificate, *_) = read_certificates([certificate_file], "upstream_certificate_file")
    first, *others = [X509.from_cryptography(each) for each in certificate.chain]
    key = PKey.from_cryptography_key(certificate.key)  # type: ignore[arg-type]
    return {"privateKey": key, "certificate": first, "extraCertChain": others}


def _paths(rules: UpstreamTlsRules) -> Sequence[str]:
    return [path for path in (rules.ca_file, rules.certificate_file) if path is not None]
