"""How is a UDP socket opened and closed for each question without two lines in the log for each?"""

from collections.abc import Callable
from typing import Any

from twisted.internet.udp import Port
from twisted.python import context
from twisted.python.log import ILogContext


class QuietUdp:
    """A reactor whose UDP ports say nothing of their beginning and end; in all else it is the one it was given."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> Port:
        """See :class:`twisted.internet.interfaces.IReactorUDP`."""
        quiet: Port = _QuietPort(port, protocol, interface, maxPacketSize, self._reactor)  # type: ignore[no-untyped-call]
        quiet.startListening()
        return quiet


class _QuietPort(Port):
    def startListening(self) -> None:
        _muted(super().startListening)

    def connectionLost(self, reason: Any = None) -> None:
        _muted(super().connectionLost, reason)


def _muted(call: Callable[..., object], *arguments: Any) -> None:
    # Events without a text are written by no observer.
    context.call({ILogContext: {**context.get(ILogContext), "log_format": ""}}, call, *arguments)
