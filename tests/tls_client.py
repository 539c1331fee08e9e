"""A client that speaks TLS to something in memory, and the certificates of a test."""

import ssl
from pathlib import Path
from typing import Any

import trustme

from openprequal.testing.memory_transport import RawConnection


class TlsClient:
    """The far end of a connection, speaking TLS; the handshake is over when it is made, unless it fails.

    :ivar failed: why it did; None: it did not.
    """

    def __init__(self, raw: RawConnection, context: ssl.SSLContext, name: str | None = "localhost") -> None:
        self.raw = raw
        self.failed: ssl.SSLError | None = None
        self.received = b""
        self.said_it_is_done = False
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        for _ in range(5):
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self._exchange()
            except ssl.SSLError as error:
                self.failed = error
                break
        self._exchange()

    def send(self, data: bytes, *, in_pieces: bool = False) -> None:
        """Send *data*, and read what comes; *in_pieces*: byte by byte."""
        self.tls.write(data)
        if in_pieces:
            encrypted = self._out.read()
            self.raw.send(encrypted, cuts=range(1, len(encrypted)))
        self.read()

    def read(self) -> bytes:
        """Everything that has come."""
        self._exchange()
        try:
            while data := self.tls.read(1 << 16):
                self.received += data
            self.said_it_is_done = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.said_it_is_done = True
        except ssl.SSLError as error:
            self.failed = error
        return self.received

    def _exchange(self) -> None:
        if data := self._out.read():
            self.raw.send(data)
        self._in.write(self.raw.news())


def trusting(authority: trustme.CA, **shown: trustme.LeafCert) -> ssl.SSLContext:
    """What a client that believes *authority* goes by; *shown*: ``certificate`` that it shows itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    for certificate in shown.values():
        certificate.configure_cert(context)
    return context


def written(certificate: trustme.LeafCert, file: Path) -> str:
    """*file*, with chain and key of *certificate* in it."""
    certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
    return str(file)


def names_of(client: TlsClient) -> set[Any]:
    """For whom the certificate is that *client* was shown."""
    shown: Any = client.tls.getpeercert()
    return {name for _, name in shown["subjectAltName"]}
