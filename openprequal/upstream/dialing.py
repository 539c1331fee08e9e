"""How is a connection to a backend opened? To addresses only: names were resolved in the control plane."""

from collections.abc import Callable, Sequence
from functools import partial
from os.path import realpath
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from openprequal.tls.transport import TlsFactory
from openprequal.upstream.address_rules import AddressRefused, AddressRules
from openprequal.upstream.connections import Dial
from openprequal.upstream.trust import UpstreamTls, UpstreamTlsRules
from openprequal.values import Backend


class NoAddress(ConnectError):
    """The backend's name has no address (yet)."""

    def __init__(self, host: str) -> None:
        super().__init__(string=f"{host} has no address")  # type: ignore[no-untyped-call]


def dialer(
    reactor: Any,
    backend: Backend,
    port: int,
    addresses: Callable[[], Sequence[str]],
    connect_timeout_s: float,
    tls: UpstreamTls | None = None,
    rules: AddressRules | None = None,
) -> Dial:
    """What opens a connection to *backend*: over TCP, TLS on top for ``https``, or through its Unix socket.

    :param port: of its traffic, or of its probes.
    :param addresses: the IP addresses known now, see ``addresses``.
    :param tls: how TLS is spoken with it; None: its certificate must come from one of the platform's authorities.
    :param rules: where it may be; None: anywhere, because it was named by whoever runs this process.
    """
    path = backend.socket_path
    if path is not None and not port:
        return partial(_dial_socket, reactor, path, connect_timeout_s, rules)
    return Dialer(reactor, backend, port, addresses, connect_timeout_s, tls, rules).dial


def _dial_socket(
    reactor: Any,
    path: str,
    connect_timeout_s: float,
    rules: AddressRules | None,
    factory: "Factory[Any]",
    preface: bytes = b"",
) -> "Deferred[Any]":
    if rules is not None:
        objection = rules.socket_objection(path)
        if objection is not None:
            return fail(AddressRefused(objection))
        path = realpath(path)  # what was looked at, even if a link leads elsewhere by now
    return _after(preface, UNIXClientEndpoint(reactor, path, timeout=connect_timeout_s).connect(factory))


class Dialer:
    """Opens connections to one backend, trying its addresses one after the other, the last good one first."""

    def __init__(
        self,
        reactor: Any,
        backend: Backend,
        port: int,
        addresses: Callable[[], Sequence[str]],
        connect_timeout_s: float,
        tls: UpstreamTls | None = None,
        rules: AddressRules | None = None,
    ) -> None:
        """See :func:`dialer`."""
        self._reactor = reactor
        self._backend = backend
        self._port = port
        self._addresses = addresses
        self._timeout_s = connect_timeout_s
        self._tls = tls
        self._rules = rules
        self._last_good = ""

    def dial(self, factory: "Factory[Any]", preface: bytes = b"") -> "Deferred[Any]":
        """Open one connection.

        :param preface: sent before all else, TLS too.

        Fires with the protocol that *factory* built.

        :raises ConnectError: (errback) refused, timed out or unreachable at the last address tried.
        :raises AddressRefused: (errback) the rules allow none of its addresses.
        """
        known = self._addresses()
        if not known:
            return fail(NoAddress(self._backend.host))
        objections = {address: self._objection(address) for address in known}
        addresses = sorted(
            (address for address in known if objections[address] is None),
            key=lambda address: address != self._last_good,
        )
        if not addresses:
            return fail(AddressRefused(f"{self._backend.host}: {objections[known[0]]}"))
        return self._dial_one_of(addresses, factory, preface)

    def _dial_one_of(self, addresses: Sequence[str], factory: "Factory[Any]", preface: bytes) -> "Deferred[Any]":
        first, rest = addresses[0], addresses[1:]

        def made(protocol: Any) -> Any:
            self._last_good = first
            return protocol

        def try_the_rest(reason: Failure) -> "Failure | Deferred[Any]":
            if rest and reason.check(ConnectError):
                return self._dial_one_of(rest, factory, preface)
            return reason

        return self._dial_one(first, factory, preface).addCallbacks(made, try_the_rest)

    def _objection(self, address: str) -> str | None:
        return None if self._rules is None else self._rules.objection(address, self._port)

    def _dial_one(self, address: str, factory: "Factory[Any]", preface: bytes) -> "Deferred[Any]":
        kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        endpoint: IStreamClientEndpoint = kind(self._reactor, address, self._port, timeout=self._timeout_s)
        if self._backend.scheme != "https":
            return _after(preface, endpoint.connect(factory))
        if self._tls is None:
            self._tls = UpstreamTls(UpstreamTlsRules())
        try:
            session = self._tls.session(self._backend.host)
        except ValueError:
            return fail()
        under_tls = TlsFactory(lambda: session, factory, preface=preface)
        dialling: Deferred[Any] = endpoint.connect(under_tls)
        return dialling.addCallback(lambda transport: transport.wrappedProtocol)


def _after(preface: bytes, dialling: "Deferred[Any]") -> "Deferred[Any]":
    """Send *preface* first."""
    if not preface:
        return dialling

    def made(protocol: Any) -> Any:
        protocol.transport.write(preface)
        return protocol

    return dialling.addCallback(made)
