"""What do clients that speak TLS get to see? A certificate each for the name they ask for, replaced while we run."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, Literal

from attrs import frozen
from cryptography.x509 import Certificate as X509
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openprequal.errors import ConfigurationError
from openprequal.tls.certificates import Certificate, read_authorities, read_certificates
from openprequal.tls.files import FromFiles
from openprequal.tls.server_names import ServerNames
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

_PROTOCOL: Final = b"http/1.1"
_VERSIONS: Final = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

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
    first: SSL.Context


@implementer(IOpenSSLServerConnectionCreator)
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

    def factory(self, wrapped: IProtocolFactory, clock: IReactorTime) -> TlsFactory:
        """What builds connections with TLS before those of *wrapped*."""
        return TlsFactory(self, False, wrapped, clock, failures=self.failures)

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

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        return SSL.Connection(self.shown.current.first)


def _read(rules: TlsRules) -> _Shown:
    certificates = read_certificates(rules.certificates, "tls_certificate")
    authorities = read_authorities(rules.client_ca_file, "tls_client_ca_file") if rules.client_ca_file else []
    contexts = [_context(each, rules, authorities) for each in certificates]
    names = ServerNames(contexts[0], zip(contexts, (each.names for each in certificates), strict=True))

    def choose(connection: SSL.Connection) -> None:
        context = names.find(connection.get_servername())
        if context is not contexts[0]:
            connection.set_context(context)

    contexts[0].set_tlsext_servername_callback(choose)
    return _Shown(certificates, contexts[0])


def _context(certificate: Certificate, rules: TlsRules, authorities: Sequence[X509]) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[rules.min_version])
    context.set_cipher_list(CIPHERS.encode("ascii"))
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    # Idle connections give their buffers back: 34 KiB each.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # Tickets resume sessions; nothing is kept here for those who never come back.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_alpn_select_callback(_select_protocol)
    try:
        context.use_certificate(certificate.chain[0])
        for each in certificate.chain[1:]:
            context.add_extra_chain_cert(each)
        context.use_privatekey(certificate.key)  # type: ignore[arg-type]
    except (SSL.Error, TypeError, ValueError) as error:
        raise ConfigurationError(f"tls_certificate: {certificate.file!r} cannot be used: {_reason(error)}") from None
    if rules.client_certificates != "none":
        assert rules.client_ca_file is not None
        # Who they are is told to clients too, so that browsers ask for no certificate that would not do.
        context.load_verify_locations(rules.client_ca_file)
        context.load_client_ca(rules.client_ca_file.encode())
        must = SSL.VERIFY_FAIL_IF_NO_PEER_CERT if rules.client_certificates == "required" else 0
        context.set_verify(SSL.VERIFY_PEER | must)
        # A ticket must not be worth more where other clients are let in.
        identity = b"".join(authority.tbs_certificate_bytes for authority in authorities)
        context.set_session_id(sha256(identity + rules.client_certificates.encode("ascii")).digest())
    return context


def _select_protocol(connection: SSL.Connection, offered: list[bytes]) -> Any:
    # Whoever offers something else only is not turned away by that: they may speak it all the same (as nginx does).
    return _PROTOCOL if _PROTOCOL in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _reason(error: Exception) -> str:
    if isinstance(error, SSL.Error) and error.args and error.args[0]:
        return str(error.args[0][-1][-1])
    return str(error)


def _paths(rules: TlsRules) -> list[str]:
    return [*rules.certificates, *([rules.client_ca_file] if rules.client_ca_file else [])]
