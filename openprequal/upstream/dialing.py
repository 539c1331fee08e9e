"""How is a connection to a backend opened? To addresses only: names were resolved in the control plane."""

from collections.abc import Callable, Sequence
from functools import partial
from os.path import realpath
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from openprequal.upstream.address_rules import AddressRefused, AddressRules
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
    trust_root: Any = None,
    rules: AddressRules | None = None,
) -> "Callable[[Factory[Any]], Deferred[Any]]":
    """What opens a connection to *backend*: over TCP, TLS on top for ``https``, or through its Unix socket.

    :param port: of its traffic, or of its probes.
    :param addresses: the IP addresses known now, see ``addresses``.
    :param trust_root: whose certificates are believed (an ``IOpenSSLTrustRoot``); None: the platform's.
    :param rules: where it may be; None: anywhere, because it was named by whoever runs this process.
    """
    path = backend.socket_path
    if path is not None and not port:
        return partial(_dial_socket, reactor, path, connect_timeout_s, rules)
    return Dialer(reactor, backend, port, addresses, connect_timeout_s, trust_root, rules).dial


def _dial_socket(
    reactor: Any, path: str, connect_timeout_s: float, rules: AddressRules | None, factory: "Factory[Any]"
) -> "Deferred[Any]":
    if rules is not None:
        objection = rules.socket_objection(path)
        if objection is not None:
            return fail(AddressRefused(objection))
        path = realpath(path)  # what was looked at, even if a link leads elsewhere by now
    connecting: Deferred[Any] = UNIXClientEndpoint(reactor, path, timeout=connect_timeout_s).connect(factory)
    return connecting


class Dialer:
    """Opens connections to one backend, trying its addresses one after the other, the last good one first."""

    def __init__(
        self,
        reactor: Any,
        backend: Backend,
        port: int,
        addresses: Callable[[], Sequence[str]],
        connect_timeout_s: float,
        trust_root: Any = None,
        rules: AddressRules | None = None,
    ) -> None:
        """See :func:`dialer`."""
        self._reactor = reactor
        self._backend = backend
        self._port = port
        self._addresses = addresses
        self._timeout_s = connect_timeout_s
        self._trust_root = trust_root
        self._rules = rules
        self._last_good = ""

    def dial(self, factory: "Factory[Any]") -> "Deferred[Any]":
        """Open one connection.

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
        return self._dial_one_of(addresses, factory)

    def _dial_one_of(self, addresses: Sequence[str], factory: "Factory[Any]") -> "Deferred[Any]":
        first, rest = addresses[0], addresses[1:]

        def made(protocol: Any) -> Any:
            self._last_good = first
            return protocol

        def try_the_rest(reason: Failure) -> "Failure | Deferred[Any]":
            if rest and reason.check(ConnectError):
                return self._dial_one_of(rest, factory)
            return reason

        dialling: Deferred[Any] = self._endpoint(first).connect(factory)
        return dialling.addCallbacks(made, try_the_rest)

    def _objection(self, address: str) -> str | None:
        return None if self._rules is None else self._rules.objection(address, self._port)

    def _endpoint(self, address: str) -> IStreamClientEndpoint:
        kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        endpoint: IStreamClientEndpoint = kind(self._reactor, address, self._port, timeout=self._timeout_s)
        if self._backend.scheme == "https":
            from twisted.internet.ssl import optionsForClientTLS

            options = optionsForClientTLS(self._backend.host, trustRoot=self._trust_root)
            endpoint = wrapClientTLS(options, endpoint)
        return endpoint
