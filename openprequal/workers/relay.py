"""What is asked of the gateway itself at a worker: it goes to the parent, and so does the answer come back."""

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from openprequal.workers.framing import Message

Say = Callable[..., None]
"""``Channel.say``."""


class Relay(Resource):
    """Answers every path as the parent does, to whom the caller is told as we see it.

    :ivar say: says something to the parent.
    """

    isLeaf = True

    def __init__(self, hearsay: Callable[[object], bool]) -> None:
        """:param hearsay: whether the address of a transport's peer was only told to us."""
        Resource.__init__(self)
        self.say: Say = lambda kind, payload=b"", **told: None
        self._hearsay = hearsay
        self._requests: dict[int, Any] = {}
        self._numbers = 0

    def render(self, request: IRequest) -> int:
        self._numbers += 1
        number = self._numbers
        asked: Any = request
        self._requests[number] = asked
        asked.notifyFinish().addErrback(lambda _: self._gone(number))
        fields = [(name, value) for name, values in asked.requestHeaders.getAllRawHeaders() for value in values]
        self.say(
            "request",
            asked.content.read(),
            request=number,
            method=asked.method.decode("latin-1"),
            target=asked.uri.decode("latin-1"),
            fields=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields],
            peer=address_words(asked.getClientAddress()),
            host=address_words(asked.getHost()),
            hearsay=self._hearsay(getattr(asked, "transport", None)),
            secure=bool(asked.isSecure()),
        )
        return int(NOT_DONE_YET)

    def hear(self, kind: str, message: Message) -> None:
        """The head, a part or the end of a response."""
        number = message.head["request"]
        request = self._requests.get(number)
        if request is None:  # its client has gone
            return
        if kind == "response":
            request.setResponseCode(message.head["status"], message.head["reason"].encode("latin-1"))
            request.responseHeaders.removeHeader(b"server")
            for name, value in message.head["fields"]:
                request.responseHeaders.addRawHeader(name.encode("latin-1"), value.encode("latin-1"))
            request.write(b"")
        elif kind == "more":
            request.write(message.payload)
        elif message.head["whole"]:
            del self._requests[number]
            request.finish()
        else:
            request.loseConnection()

    def _gone(self, number: int) -> None:
        if self._requests.pop(number, None) is not None:
            self.say("gone", request=number)


def address_words(address: object) -> list[object]:
    """*address* as a message has it."""
    if isinstance(address, IPv4Address | IPv6Address):
        return [address.type, address.host, address.port]
    return ["UNIX"]


def address_of_words(words: list[Any]) -> object:
    """The address that :func:`address_words` made *words* of; of a Unix socket, one without a name."""
    if words[0] == "UNIX":
        return UNIXAddress(None)
    kind = IPv6Address if ":" in words[1] else IPv4Address
    return kind(words[0], words[1], words[2])
