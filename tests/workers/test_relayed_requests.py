"""What is asked of the gateway at a worker is answered by the parent, as if it had been asked there."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.test.requesthelper import DummyChannel

from openprequal.admin.access import told_by_proxy_protocol
from openprequal.workers.framing import Frames, Message, frame
from openprequal.workers.relay import Relay, address_of_words, address_words
from openprequal.workers.relayed import Relayed


class Echo(Resource):
    """Says what it was asked; or keeps the request for the test to answer."""

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.kept: list[Any] = []
        self.lost: list[object] = []

    def render(self, request: Any) -> Any:
        if request.path == b"/kept":
            self.kept.append(request)
            request.notifyFinish().addErrback(self.lost.append)
            return NOT_DONE_YET
        request.setResponseCode(418)
        request.setHeader(b"x-answer", b"yes")
        told = {
            "method": request.method.decode(),
            "uri": request.uri.decode(),
            "body": request.content.read().decode(),
            "field": request.requestHeaders.getRawHeaders(b"x-field", [b""])[0].decode("latin-1"),
            "peer": str(request.getClientAddress().host),
            "hearsay": told_by_proxy_protocol(request.transport),
        }
        return json.dumps(told).encode()


class Case:
    """A worker's relay and a parent that answers, with every message made into bytes and back."""

    def __init__(self) -> None:
        self.relay = Relay(told_by_proxy_protocol)
        self.echo = Echo()
        self.relayed = Relayed(Site(self.echo))
        self.relay.say = self._to_parent

    def _to_parent(self, kind: str, payload: bytes = b"", **told: Any) -> None:
        (message,) = Frames().feed(frame(Message({"kind": kind, **told}, payload)))
        self.relayed.hear(self, kind, message)  # type: ignore[arg-type]  # we are the worker

    def say(self, kind: str, payload: bytes = b"", **told: Any) -> None:
        """As :class:`~openprequal.workers.worker.Worker` does."""
        (message,) = Frames().feed(frame(Message({"kind": kind, **told}, payload)))
        self.relay.hear(kind, message)

    def ask(self, path: bytes, method: bytes = b"GET", body: bytes = b"") -> Any:
        """The channel of a client's request, and the request."""
        channel = DummyChannel()
        site = Site(self.relay)
        channel.site = channel.factory = site
        request: Any = site.requestFactory(channel, False)
        request.requestHeaders.setRawHeaders(b"x-field", [b"caf\xe9"])
        request.gotLength(len(body))
        request.handleContentChunk(body)
        request.requestReceived(method, path, b"HTTP/1.0")
        return channel, request


def test_an_answer_comes_back_whole() -> None:
    channel, _ = Case().ask(b"/register?a=%20b", b"POST", b'{"url": "x"}')
    head, _, body = channel.transport.written.getvalue().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 418")
    assert b"X-Answer: yes" in head
    told = json.loads(body)
    assert (told["method"], told["uri"], told["body"]) == ("POST", "/register?a=%20b", '{"url": "x"}')
    assert (told["peer"], told["field"], told["hearsay"]) == ("192.168.1.1", "café", False)


def test_an_answer_may_come_in_parts() -> None:
    case = Case()
    channel, _ = case.ask(b"/kept")
    (kept,) = case.echo.kept
    kept.write(b"first")
    assert channel.transport.written.getvalue().endswith(b"first")
    kept.write(b" second")
    kept.finish()
    assert channel.transport.written.getvalue().endswith(b"first second")


def test_the_parent_hears_when_a_client_has_gone() -> None:
    case = Case()
    _, request = case.ask(b"/kept")
    request.connectionLost(ConnectionError())
    assert len(case.echo.lost) == 1


def test_the_parent_gives_up_what_a_worker_had_relayed_that_is_gone() -> None:
    case = Case()
    case.ask(b"/kept")
    case.ask(b"/kept")
    case.relayed.gone(case)  # type: ignore[arg-type]
    assert len(case.echo.lost) == 2


def test_an_answer_for_a_client_that_has_gone_is_nobodys() -> None:
    case = Case()
    case.say("response", request=99, status=200, reason="OK", fields=[])
    case.say("end", request=99, whole=True)


@given(st.sampled_from([IPv4Address, IPv6Address]), st.sampled_from(["TCP"]), st.ip_addresses(), st.integers(0, 65535))
def test_an_address_is_the_same_on_the_other_side(kind: Any, protocol: str, host: Any, port: int) -> None:
    address = (IPv6Address if host.version == 6 else IPv4Address)(protocol, str(host), port)
    assert address_of_words(json.loads(json.dumps(address_words(address)))) == address


def test_a_unix_socket_stays_one() -> None:
    assert isinstance(address_of_words(address_words(UNIXAddress(b"/run/a"))), UNIXAddress)
