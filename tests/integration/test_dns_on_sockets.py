"""Real name servers are asked over real sockets: UDP, and TCP where the answer is too long."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from running import ask, backend, backends, eventually, free_ports, gateway, running
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater
from twisted.names import dns
from twisted.names.error import DNSNameError
from twisted.names.server import DNSServerFactory

from openprequal.interfaces import RegistryContext
from openprequal.registry.dns import DnsRegistry

DEADLINE_S = 10.0
LOOP: Any = reactor


class Zone:
    """What there is, in the manner of twisted.names' resolvers."""

    def __init__(self, **records: list[Any]) -> None:
        self.records = records
        self.asked = 0
        self.fails = False

    def query(self, query: Any, timeout: object = None) -> "Deferred[Any]":
        self.asked += 1
        if self.fails:
            return fail(RuntimeError("SERVFAIL"))
        name = query.name.name.decode().lower()
        if name not in self.records:
            return fail(DNSNameError())
        found = [each for each in self.records[name] if query.type == each.TYPE]
        return succeed(([dns.RRHeader(name.encode(), each.TYPE, ttl=1, payload=each) for each in found], [], []))


class NameServer(DNSServerFactory):
    """On a port of loopback; as short over UDP as name servers must be (RFC 1035 section 4.2.1)."""

    def __init__(self, zone: Zone, port: int) -> None:
        super().__init__(clients=[zone])
        self.by_tcp = 0
        self._listening = [
            LOOP.listenUDP(port, dns.DNSDatagramProtocol(self), "127.0.0.1"),
            LOOP.listenTCP(port, self, interface="127.0.0.1"),
        ]

    def sendReply(self, protocol: Any, message: Any, address: Any) -> None:
        if address is None:
            self.by_tcp += 1
        elif len(message.answers) > 8:
            message.answers, message.trunc = [], 1
        super().sendReply(protocol, message, address)

    async def stop(self) -> None:
        for each in self._listening:
            await each.stopListening()


async def soon(happens: Callable[[], bool], what: str) -> None:
    """Wait until *happens*."""
    deadline = LOOP.seconds() + DEADLINE_S
    while not happens():
        assert LOOP.seconds() < deadline, f"not within {DEADLINE_S} s: {what}"
        await deferLater(LOOP, 0.05)


def following(port: int, **parameters: object) -> DnsRegistry:
    """A registry that asks the name server at *port*, started."""
    given = {"servers": [f"127.0.0.1:{port}"], "retry_seconds": 0.25, "ttl_min_seconds": 0.25, **parameters}
    registry = DnsRegistry(RegistryContext(LOOP, 1000, parameters=given))
    registry.start()
    return registry


@pytest_twisted.ensureDeferred
async def test_changes_of_a_name_are_followed_and_its_loss_is_survived() -> None:
    port = free_ports()
    zone = Zone(**{"api.test": [dns.Record_A("192.0.2.1"), dns.Record_AAAA("2001:db8::1")]})
    server = NameServer(zone, port)
    registry = following(port, names=["api.test.:8080"])

    def known() -> list[str]:
        return [each.host for each in registry.backends()]

    try:
        await soon(lambda: known() == ["192.0.2.1", "2001:db8::1"], "both addresses are known")
        zone.records["api.test"] = [dns.Record_A("192.0.2.2"), dns.Record_AAAA("2001:db8::1")]
        await soon(lambda: known() == ["2001:db8::1", "192.0.2.2"], "the change is known")
        asked, zone.fails = zone.asked, True
        await soon(lambda: zone.asked > asked + 6, "it was asked in vain")
        assert known() == ["2001:db8::1", "192.0.2.2"]
        zone.records["api.test"] = [dns.Record_A("192.0.2.3")]
        zone.fails = False
        await soon(lambda: known() == ["192.0.2.3"], "it is asked again")
    finally:
        await registry.stop()
        await server.stop()


@pytest_twisted.ensureDeferred
async def test_an_answer_too_long_for_udp_is_asked_for_over_tcp() -> None:
    port = free_ports()
    targets = {f"t{number}.test": [dns.Record_A(f"192.0.2.{number}")] for number in range(1, 101)}
    services = [dns.Record_SRV(1, 1, 8000, name.encode()) for name in targets]
    server = NameServer(Zone(**targets, **{"_http._tcp.api.test": services}), port)
    registry = following(port, srv=["_http._tcp.api.test."])
    try:
        await soon(lambda: len(registry.backends()) == 100, "all hundred are known")
        assert server.by_tcp
    finally:
        await registry.stop()
        await server.stop()


def test_a_gateway_serves_whom_a_name_server_names_even_when_that_is_gone(tmp_path: Path) -> None:
    server_port = free_ports()
    (tmp_path / "api.zone").write_text(
        "zone = [SOA('api.test', mname='ns', rname='me', serial=1, refresh=1, retry=1, expire=1, minimum=1, ttl=1),"
        " A('api.test', '127.0.0.1', 1)]\n"
    )
    flags = ["-n", "dns", "--interface=127.0.0.1", f"--port={server_port}", "--pyzone=api.zone"]
    other = tmp_path / "other"
    other.mkdir()
    with gateway(other) as (_, elsewhere), backend(other, elsewhere) as (_, port):
        settings = tmp_path / "gateway.toml"
        settings.write_text(
            f'registry_class = "dns"\n[registry_parameters]\nnames = ["api.test.:{port}"]\n'
            f'servers = ["127.0.0.1:{server_port}"]\nretry_seconds = 0.25\n'
        )
        with gateway(tmp_path, "--config=gateway.toml") as (_, here):
            with running(flags, tmp_path):
                eventually(lambda: ask(here).status == 200, "the backend is found and serves")
            assert list(backends(here)) == [f"http://127.0.0.1:{port}"]
            assert ask(here).status == 200
