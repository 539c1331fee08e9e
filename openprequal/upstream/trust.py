"""Whose certificates are believed when a backend speaks TLS, and which is it shown?"""

from collections.abc import Sequence
from functools import cached_property
from ssl import PROTOCOL_TLS_CLIENT, SSLContext, VerifyFlags

from attrs import frozen

from openprequal.errors import ConfigurationError
from openprequal.tls.certificates import read_authorities, read_certificates
from openprequal.tls.files import FromFiles
from openprequal.tls.session import Session


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
    """TLS with backends, 1.2 or later; what its files say may change.

    :ivar read: where it comes from.
    """

    def __init__(self, rules: UpstreamTlsRules) -> None:
        """:raises ConfigurationError: something in the files cannot be used."""
        self.read = FromFiles("what backends are believed by", rules, _from_files, _paths)

    def session(self, host: str) -> Session:
        """The TLS of a new connection to a backend on *host*.

        :raises ValueError: no certificate can be for such a host.
        """
        name = self.read.rules.server_name or host
        return Session(self.read.current or self._platform, server_side=False, server_hostname=name)

    @cached_property
    def _platform(self) -> SSLContext:
        # Its authorities take their time to read, and most gateways never need them.
        return _context(UpstreamTlsRules())


def _from_files(rules: UpstreamTlsRules) -> SSLContext | None:
    return _context(rules) if _paths(rules) else None


def _context(rules: UpstreamTlsRules) -> SSLContext:
    # Certificates are checked, and that they are for whom we wanted, unless told otherwise.
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    # What a certificate is for stands in its subjectAltName (RFC 9110 section 4.3.4).
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    if rules.ca_file is None:
        context.load_default_certs()
    else:
        read_authorities(rules.ca_file, "upstream_ca_file")
        context.load_verify_locations(rules.ca_file)
        # Those in the file are believed, whoever else vouches for them.
        context.verify_flags |= VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    if rules.certificate_file is not None:
        (certificate, *_) = read_certificates([rules.certificate_file], "upstream_certificate_file")
        try:
            context.load_cert_chain(certificate.file, certificate.key_file)
        except (OSError, ValueError) as error:  # SSLError is of these
            raise ConfigurationError(
                f"{rules.certificate_file!r} cannot be used: {error}", about=("upstream_certificate_file",)
            ) from None
    return context


def _paths(rules: UpstreamTlsRules) -> Sequence[str]:
    return [path for path in (rules.ca_file, rules.certificate_file) if path is not None]
