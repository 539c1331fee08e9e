"""TLS on bytes in memory, as Twisted's TLS asks for it (pyOpenSSL's ``Connection``), on the standard library's ``ssl``.

Both are OpenSSL; but one of pyOpenSSL's calls costs several of the standard library's, and where it raises because
nothing is there, as it does twice for each request, the other says so.
"""

from collections.abc import Callable
from ssl import MemoryBIO, SSLContext, SSLEOFError, SSLError, SSLObject, SSLWantReadError, SSLZeroReturnError
from typing import Final

from cryptography.x509 import Certificate, load_der_x509_certificate
from OpenSSL.SSL import Error, WantReadError, ZeroReturnError

RECORD: Final = 1 << 14
"""Bytes of content of the largest record (RFC 8446 section 5.1)."""


class TlsError(Error):
    """What is wrong with this side's or the other's TLS.

    :ivar reason: OpenSSL's name for it, like ``NO_SHARED_CIPHER``.
    """

    def __init__(self, text: str, reason: str) -> None:
        # Twisted recognises the end of a connection by the last word of the only argument.
        super().__init__([("SSL", "", text)])
        self.reason = reason
        self._text = text

    def __str__(self) -> str:
        return self._text


class Session:
    """One side of one connection.

    :ivar incoming: bytes from the other side, not read yet.
    """

    __slots__ = ("_outgoing", "_ssl", "incoming", "pending")

    def __init__(self, context: SSLContext, *, server_side: bool, server_hostname: str | None = None) -> None:
        """:raises ValueError: *server_hostname* is none."""
        self.incoming = MemoryBIO()
        self._outgoing = MemoryBIO()
        self._ssl: SSLObject = context.wrap_bio(self.incoming, self._outgoing, server_side, server_hostname)
        self.pending: Callable[[], int] = self._ssl.pending
        """Bytes of a record that was read, but not all of it taken."""

    def bio_write(self, data: bytes) -> int:
        """Bytes have come from the other side."""
        return self.incoming.write(data)

    def bio_shutdown(self) -> None:
        """No more will."""
        self.incoming.write_eof()

    def outgoing(self) -> bytes:
        """Bytes for the other side; empty if there are none."""
        return self._outgoing.read()

    def recv(self, size: int) -> bytes:
        """Content from the other side, of one record at most.

        :raises WantReadError: there is none yet.
        :raises ZeroReturnError: there will be none.
        :raises TlsError: the other side does not speak TLS (any more), or has gone without a word.
        """
        try:
            data = self._ssl.read(size)
        except SSLWantReadError:
            raise WantReadError from None
        except SSLZeroReturnError:
            raise ZeroReturnError from None
        except SSLError as error:
            raise _translated(error) from None
        if not data:  # how the library says that the other side has said that it is done
            raise ZeroReturnError
        return data

    def send(self, data: "bytes | memoryview") -> int:
        """Encrypt content; how much of it was taken.

        :raises WantReadError: the handshake is not over.
        :raises TlsError: the session is of no more use.
        """
        try:
            return self._ssl.write(data)
        except SSLWantReadError:
            raise WantReadError from None
        except SSLError as error:
            raise _translated(error) from None

    def do_handshake(self) -> None:
        """Go on with the handshake.

        :raises WantReadError: it takes more from the other side.
        :raises TlsError: it has failed.
        """
        try:
            self._ssl.do_handshake()
        except SSLWantReadError:
            raise WantReadError from None
        except SSLError as error:
            raise _translated(error) from None

    def shutdown(self) -> bool:
        """Say that nothing more comes; True if the other side has said so too."""
        try:
            self._ssl.unwrap()
        except (SSLError, ValueError):
            return False
        return True

    def get_alpn_proto_negotiated(self) -> bytes:
        """The protocol agreed on (RFC 7301); empty: none."""
        return (self._ssl.selected_alpn_protocol() or "").encode("ascii")

    def get_peer_certificate(self, *, as_cryptography: bool = True) -> Certificate | None:
        """The certificate that the other side has shown; None: none, or nobody asked for it."""
        shown = self._ssl.getpeercert(binary_form=True)
        return None if shown is None else load_der_x509_certificate(shown)


def _translated(error: SSLError) -> TlsError:
    if isinstance(error, SSLEOFError):
        return TlsError("unexpected eof", "UNEXPECTED_EOF_WHILE_READING")
    # "[SSL: REASON] what it means (_ssl.c:1000)"
    text = str(error.args[-1] if error.args else error).partition("] ")[2].partition(" (_ssl")[0]
    return TlsError(text or str(error), error.reason or "")
