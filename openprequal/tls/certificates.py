"""Which certificate, chain and key are in these files, and can they be used?"""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from openprequal.errors import ConfigurationError

PAIRS = (("fullchain.pem", "privkey.pem"), ("tls.crt", "tls.key"))
"""Names of certificate and key in a directory: as certbot writes them, and as Kubernetes mounts them."""


@frozen
class Certificate:
    """A certificate that can be shown."""

    file: str
    """Where it was read,"""
    key_file: str
    """and its key."""
    chain: tuple[x509.Certificate, ...]
    """It, and the authorities between it and a root."""

    @property
    def names(self) -> tuple[str, ...]:
        """What it is for: host names, in lower case, with wildcards as they are, and IP addresses."""
        try:
            names = self.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, ValueError):
            return ()
        hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
        return (*hosts, *map(str, names.get_values_for_type(x509.IPAddress)))

    @property
    def expires_at(self) -> float:
        """The first moment, as a Unix time, at which one of the chain no longer holds."""
        return min(each.not_valid_after_utc for each in self.chain).timestamp()

    def doubts(self, now: float) -> Iterator[str]:
        """What clients may not like about it."""
        first, last = self.chain[0], self.chain[-1]
        moment = datetime.fromtimestamp(now, UTC)
        for each in self.chain:
            if each.not_valid_after_utc <= moment:
                yield f"{_name(each)} expired on {each.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            if each.not_valid_before_utc > moment:
                yield f"{_name(each)} is not valid before {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        if not self.names:
            yield f"{_name(first)} is for no name: it has no subjectAltName"
        if first is last and first.issuer != first.subject:
            yield (
                "no intermediate certificate is in the file: clients must know "
                f"{first.issuer.rfc4514_string()} themselves"
            )


def read_certificates(paths: Sequence[str], setting: str) -> tuple[Certificate, ...]:
    """All certificates that *paths* lead to, in that order: files, ``CERTIFICATE:KEY`` pairs, and directories.

    :param setting: that named them.
    :raises ConfigurationError: one cannot be used; the message says which and why.
    """
    return tuple(
        _read(certificate, key, setting) for path in paths for certificate, key in certificate_files(path, setting)
    )


def certificate_files(path: str, setting: str) -> list[tuple[str, str]]:
    """The files of certificate and key that *path* means; both are the same if one has all.

    :raises ConfigurationError: it is a directory without any.
    """
    if not os.path.isdir(path):
        certificate, colon, key = path.rpartition(":")
        if colon and not os.path.exists(path):
            return [(certificate, key)]
        beside = os.path.splitext(path)[0] + ".key"
        return [(path, beside if os.path.exists(beside) else path)]
    for certificate, key in PAIRS:
        if os.path.exists(os.path.join(path, certificate)):
            return [(os.path.join(path, certificate), os.path.join(path, key))]
    files = sorted(os.path.join(path, name) for name in os.listdir(path) if name.endswith(".pem"))
    if not files:
        pairs = " or ".join(" with ".join(pair) for pair in PAIRS)
        raise ConfigurationError(f"{path!r} holds neither {pairs} nor a file .pem", about=(setting,))
    return [(file, file) for file in files]


def read_authorities(file: str, *setting: str) -> list[x509.Certificate]:
    """The certificates in *file*, one or more in PEM.

    :raises ConfigurationError: it cannot be read or holds none.
    """
    return _certificates(file, _bytes_of(file, *setting), *setting)


def _read(file: str, key_file: str, setting: str) -> Certificate:
    pem = _bytes_of(file, setting)
    key_pem = pem if key_file == file else _bytes_of(key_file, setting)
    chain = _certificates(file, pem, setting)
    if b"PRIVATE KEY-----" not in key_pem:
        raise ConfigurationError(f"{key_file!r} holds no private key in PEM", about=(setting,))
    key_block = key_pem[key_pem.index(b"-----BEGIN ", _before_key(key_pem)) :]
    try:
        # Whether an RSA key is sound would take its time to find out; the file is ours.
        key = load_pem_private_key(key_block, password=None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        raise ConfigurationError(
            f"the key in {key_file!r} needs a passphrase: store it without", about=(setting,)
        ) from None
    except Exception as error:  # the library names no base of what it raises
        raise ConfigurationError(f"the key in {key_file!r} cannot be used: {error}", about=(setting,)) from None
    if _public(key) != _public(chain[0]):
        raise ConfigurationError(
            f"the key in {key_file!r} is not that of the first certificate in {file!r}, {_name(chain[0])}",
            about=(setting,),
        )
    for lower, upper in pairwise(chain):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            raise ConfigurationError(
                f"{file!r}: {_name(lower)} was not issued by {_name(upper)}, which follows it: first comes "
                "the certificate itself, then the one that issued it, and so on",
                about=(setting,),
            ) from None
    return Certificate(file, key_file, tuple(chain))


def _before_key(pem: bytes) -> int:
    """Where the block of the private key may begin: behind the last block that ended before it."""
    return max(pem.rfind(b"-----END ", 0, pem.index(b"PRIVATE KEY-----")), 0)


def _bytes_of(file: str, *setting: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise ConfigurationError(f"{file!r} cannot be read: {error.strerror}", about=setting) from None


def _certificates(file: str, pem: bytes, *setting: str) -> list[x509.Certificate]:
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise ConfigurationError(f"{file!r} holds no certificate in PEM", about=setting)
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigurationError(f"a certificate in {file!r} cannot be read: {error}", about=setting) from None


def _public(holder: x509.Certificate | PrivateKeyTypes) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _name(certificate: x509.Certificate) -> str:
    return f"the certificate of {certificate.subject.rfc4514_string() or 'nobody'}"
