"""What do clients that speak TLS get to see? A certificate each for the name they ask for, replaced while we run."""

from collections import Counter
from collections.abc import Sequence
from ssl import (
    CERT_OPTIONAL,
    CERT_REQUIRED,
    OP_CIPHER_SERVER_PREFERENCE,
    OP_NO_RENEGOTIATION,
    PROTOCOL_TLS_SERVER,
    SSLContext,
    SSLObject,
    TLSVersion,
    VerifyFlags,
)
from typing import Final, Literal

from attrs import frozen
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger

from openprequal.errors import ConfigurationError
from openprequal.tls.certificates import Certificate, read_authorities, read_certificates
from openprequal.tls.files import FromFiles
from openprequal.tls.server_names import ServerNames
from openprequal.tls.session import Session
from openprequal.tls.transport import TlsFactory

CIPHERS: Final = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
    )
)
"""Of TLS 1.2: Mozilla's "intermediate" (wiki.mozilla.org/Security/Server_Side_TLS, 5.7) without those that need DH
parameters, which no client needs that has TLS 1.2. Those of TLS 1.3 are all good; OpenSSL's own order is kept."""

_PROTOCOL: Final = "http/1.1"
_VERSIONS: Final = {"1.2": TLSVersion.TLSv1_2, "1.3": TLSVersion.TLSv1_3}

ClientCertificates = Literal["none", "optional", "required"]


@frozen
class TlsRules:
    """What the settings say of TLS with clients."""

    certificates: Sequence[str]
    """Paths, see :func:`~openprequal.tls.certificates.read_certificates`; the first is for who asks for no other."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    client_certificates: ClientCertificates = "none"
    client_ca_file: str | None = None
    """PEM file of the authorities that client certificates must come from."""


@frozen
class _Shown:
    """What was read from the files, ready to be used."""

    certificates: tuple[Certificate, ...]
    first: SSLContext


class TlsServer:
    """TLS with clients. What it shows may be replaced; connections there are keep what they began with.

    :ivar shown: where the certificates come from.
    :ivar failures: handshakes that failed, by class of reason.
    """

    log = Logger()

    def __init__(self, rules: TlsRules) -> None:
        """:raises ConfigurationError: something in the files cannot be used."""
        self.failures: Counter[str] = Counter()
        self.shown = FromFiles("what clients are shown", rules, _read, _paths)
        self._doubts: list[str] = []

    def factory(self, wrapped: IProtocolFactory) -> TlsFactory:
        """What builds connections with TLS before those of *wrapped*."""
        return TlsFactory(self._begin, wrapped, failures=self.failures)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Those shown now."""
        return self.shown.current.certificates

    def doubts(self, now: float) -> list[str]:
        """What clients may not like about them, *now* (Unix time)."""
        return [f"{each.file}: {doubt}" for each in self.certificates for doubt in each.doubts(now)]

    def tell_doubts(self, now: float) -> None:
        """Log them, but none twice in a row."""
        before, self._doubts = self._doubts, self.doubts(now)
        for doubt in self._doubts:
            if doubt not in before:
                self.log.warn("{doubt}", doubt=doubt)

    def _begin(self) -> Session:
        return Session(self.shown.current.first, server_side=True)


def _read(rules: TlsRules) -> _Shown:
    certificates = read_certificates(rules.certificates, "tls_certificate")
    if rules.client_ca_file is not None:
        read_authorities(rules.client_ca_file, "tls_client_ca_file")
    contexts = [_context(each, rules) for each in certificates]
    names = ServerNames(contexts[0], zip(contexts, (each.names for each in certificates), strict=True))

    def choose(session: SSLObject, name: str | None, context: SSLContext) -> None:
        chosen = names.find(name)
        if chosen is not context:
            session.context = chosen

    contexts[0].sni_callback = choose
    return _Shown(certificates, contexts[0])


def _context(certificate: Certificate, rules: TlsRules) -> SSLContext:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[rules.min_version]
    context.set_ciphers(CIPHERS)
    context.options |= OP_NO_RENEGOTIATION
    # All ciphers are good: the client knows which of them its hardware is fast at.
    context.options &= ~OP_CIPHER_SERVER_PREFERENCE
    # Whoever offers something else only is not turned away by that: they may speak it all the same (as with nginx).
    context.set_alpn_protocols([_PROTOCOL])
    try:
        context.load_cert_chain(certificate.file, certificate.key_file)
    except (OSError, ValueError) as error:  # SSLError is of these
        raise ConfigurationError(f"{certificate.file!r} cannot be used: {error}", about=("tls_certificate",)) from None
    if rules.client_certificates != "none":
        context.load_verify_locations(rules.client_ca_file)
        # Those in the file are authorities, whoever else vouches for them.
        context.verify_flags |= VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = CERT_REQUIRED if rules.client_certificates == "required" else CERT_OPTIONAL
    return context


def _paths(rules: TlsRules) -> list[str]:
    return [*rules.certificates, *([rules.client_ca_file] if rules.client_ca_file else [])]
