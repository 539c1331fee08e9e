"""The whole gateway behind TLS and the PROXY protocol, in memory: what clients, backends and operators see of it."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tls_client import TlsClient, names_of, trusting, written
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from whole_gateway import CALLER, HERE, OK, WholeGateway, answer, status

from openprequal.config.gateway import GatewaySettings
from openprequal.edge import Edge
from openprequal.testing.memory_transport import MemoryTransport, RawConnection

GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
BALANCER = IPv4Address("TCP", "10.0.0.5", 33000)
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n"
LOCAL_LINE = b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 443\r\n"
AUTHORITY = trustme.CA()


class Case:
    """A gateway with a plain port and one for TLS."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.certificate = written(AUTHORITY.issue_cert("localhost"), folder / "localhost.pem")
        self.settings = {"tls_port": 8443, "tls_certificate": (self.certificate,), **settings}
        self.gateway = WholeGateway(**self.settings)

    def connect(self, *, tls: bool = False, peer: IPv4Address = CALLER) -> RawConnection:
        """A new connection to one of the ports."""
        reactor = self.gateway.reactor
        protocol = reactor.tcpServers[int(tls)][1].buildProtocol(peer)
        transport = MemoryTransport(reactor, protocol, HERE, peer)
        protocol.makeConnection(transport)
        return RawConnection(reactor, transport)

    def client(self, raw: RawConnection | None = None, name: str = "localhost", **shown: trustme.LeafCert) -> TlsClient:
        """A client with TLS, on *raw* or a connection of its own."""
        return TlsClient(raw or self.connect(tls=True), trusting(AUTHORITY, **shown), name)

    def forwarded(self) -> bytes:
        """The last request that the backend has seen, answered."""
        self.gateway.wait(0)
        request = self.gateway.backend.news()
        self.gateway.backend.send(OK)
        return request

    def metric(self, name: str) -> dict[str, float]:
        """Its values by their labels, as text."""
        text = bytes(self._metrics())
        lines = [line for line in text.decode().splitlines() if line.startswith(f"openprequal_{name}{{")]
        return {line.partition("{")[2].partition("}")[0]: float(line.rpartition(" ")[2]) for line in lines}

    def _metrics(self) -> bytes:
        asking = self.gateway.get("/metrics")
        self.gateway.wait(0.2)
        return asking.received


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    case = Case(tmp_path)
    yield case
    case.gateway.end()


def first_flight() -> bytes:
    """The first bytes that a client with TLS sends."""
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        trusting(AUTHORITY).wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


# ---- TLS ------------------------------------------------------------------------------------------------------------


def test_a_request_over_tls_is_forwarded_and_answered(case: Case) -> None:
    client = case.client()
    client.send(GET)
    assert case.forwarded().startswith(b"GET /x HTTP/1.1\r\n")
    assert client.read().endswith(b"\r\n\r\nhello")
    client.send(GET)
    case.forwarded()
    assert client.read().count(b"hello") == 2


def test_a_request_may_come_in_any_pieces_and_several_in_one(case: Case) -> None:
    client = case.client()
    client.send(GET, in_pieces=True)
    assert case.forwarded().startswith(b"GET /x HTTP/1.1\r\n")
    client.send(GET * 2)
    for _ in range(2):
        assert case.forwarded().startswith(b"GET /x HTTP/1.1\r\n")
    assert client.read().count(b"hello") == 3


def test_backends_are_told_of_each_request_whether_it_came_over_tls(case: Case) -> None:
    case.client().send(GET)
    assert b"X-Forwarded-Proto: https\r\n" in case.forwarded()
    case.connect().send(GET)
    assert b"X-Forwarded-Proto: http\r\n" in case.forwarded()


def test_http_1_1_is_agreed_on_and_nobody_turned_away_for_what_else_they_offer(case: Case) -> None:
    for offered, agreed in ((["h2", "http/1.1"], "http/1.1"), (["h2"], None)):
        context = trusting(AUTHORITY)
        context.set_alpn_protocols(offered)
        client = TlsClient(case.connect(tls=True), context)
        assert client.failed is None
        assert client.tls.selected_alpn_protocol() == agreed


def test_a_response_larger_than_a_record_arrives_whole(case: Case) -> None:
    body = bytes(range(256)) * 1000
    client = case.client()
    client.send(GET)
    case.gateway.wait(0)
    case.gateway.backend.news()
    case.gateway.backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    case.gateway.wait(0)
    assert client.read().endswith(body)


def test_a_slow_reader_over_tls_holds_the_backend_back(case: Case) -> None:
    client = case.client()
    client.send(GET)
    case.gateway.wait(0)
    client.raw.stop_reading()
    backend = case.gateway.backend
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")
    for _ in range(40):
        backend.post(b"x" * 100_000)
    case.gateway.wait(0.1)
    held_back = backend.unread
    assert held_back > 3_000_000
    client.raw.read_on()
    case.gateway.wait(0.1)
    assert client.read().endswith(b"\r\n\r\n" + b"x" * 4_000_000)


def test_a_chunked_upload_over_tls_reaches_the_backend(case: Case) -> None:
    client = case.client()
    client.send(b"POST /up HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(3):
        client.send(b"4000\r\n" + b"y" * 0x4000 + b"\r\n")
    client.send(b"0\r\n\r\n")
    assert case.forwarded().count(b"y") >= 3 * 0x4000


def test_the_last_response_ends_tls_before_the_connection(case: Case) -> None:
    client = case.client()
    client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    case.forwarded()
    case.gateway.wait(0)
    client.read()
    assert client.said_it_is_done
    assert client.raw.ended


def test_a_refused_request_is_answered_before_the_connection_ends(case: Case) -> None:
    client = case.client()
    client.send(b"not http\r\n\r\n")
    assert client.read().startswith(b"HTTP/1.1 400 ")
    assert client.said_it_is_done
    # What still comes must not reset the answer on its way.
    client.raw.close()
    case.gateway.wait(0)
    assert client.raw.ended


def test_a_handshake_that_never_ends_is_cut(case: Case) -> None:
    raw = case.connect(tls=True)
    for byte in first_flight()[:21]:
        raw.send(bytes((byte,)))
        case.gateway.wait(0.5)
    assert raw.ended
    assert case.metric("tls_handshake_failures_total") == {'reason="aborted"': 1}


def test_a_connection_that_has_shaken_hands_may_be_idle_for_longer(case: Case) -> None:
    client = case.client()
    for _ in range(11):
        case.gateway.wait(1)
        case.gateway.answer_all()
    client.send(GET)
    case.gateway.answer_all()
    assert client.read().endswith(b"hello")


def test_what_is_not_tls_is_counted_as_that(case: Case) -> None:
    case.connect(tls=True).send(GET)
    assert case.metric("tls_handshake_failures_total") == {'reason="not_tls"': 1}


def test_a_client_that_does_not_believe_us_is_counted(case: Case) -> None:
    client = TlsClient(case.connect(tls=True), trusting(trustme.CA()))
    assert client.failed
    assert case.metric("tls_handshake_failures_total") == {'reason="refused_by_client"': 1}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_versions_before_1_2_are_refused(case: Case) -> None:
    context = trusting(AUTHORITY)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert TlsClient(case.connect(tls=True), context).failed
    assert case.metric("tls_handshake_failures_total") == {'reason="version"': 1}


def test_the_end_of_each_certificate_is_told(case: Case) -> None:
    ((label, when),) = case.metric("tls_certificate_expiry_timestamp_seconds").items()
    assert label == f'certificate="{case.certificate}"'
    assert when > 2e9


def test_at_the_end_of_the_gateway_tls_is_ended_too(case: Case) -> None:
    client = case.client()
    case.gateway.wait(2)
    case.gateway.end()
    client.read()
    assert client.said_it_is_done


# ---- certificates ---------------------------------------------------------------------------------------------------


def test_each_name_is_shown_its_own_certificate(tmp_path: Path) -> None:
    others = [
        written(AUTHORITY.issue_cert(name), tmp_path / f"{number}.pem")
        for number, name in enumerate(("a.example", "*.wild.example"))
    ]
    case = Case(tmp_path, tls_certificate=(written(AUTHORITY.issue_cert("localhost"), tmp_path / "0.crt"), *others))
    assert names_of(case.client(name="a.example")) == {"a.example"}
    assert names_of(case.client(name="b.wild.example")) == {"*.wild.example"}
    assert names_of(case.client(name="localhost")) == {"localhost"}
    stranger = trusting(AUTHORITY)
    stranger.check_hostname = False
    assert names_of(TlsClient(case.connect(tls=True), stranger, "c.example")) == {"localhost"}
    assert names_of(TlsClient(case.connect(tls=True), stranger, None)) == {"localhost"}


def test_a_certificate_that_is_replaced_is_shown_soon_and_old_connections_stay(case: Case) -> None:
    before = case.client()
    written(AUTHORITY.issue_cert("localhost", "new.example"), Path(case.certificate))
    case.gateway.wait(4)
    assert "new.example" in names_of(case.client())
    before.send(GET)
    case.forwarded()
    assert before.read().endswith(b"hello")


def test_a_certificate_that_is_replaced_is_an_event(case: Case) -> None:
    written(AUTHORITY.issue_cert("localhost"), Path(case.certificate))
    case.gateway.wait(3.5)
    _, told = answer(case.gateway.get("/_openprequal/events"))
    assert [event["message"] for event in told["events"] if event["kind"] == "certificate"] == [
        "the certificates that clients are shown have changed, and are used from now on"
    ]


def test_a_reload_reads_certificates_again_though_no_setting_has_changed(case: Case) -> None:
    written(AUTHORITY.issue_cert("localhost", "new.example"), Path(case.certificate))
    assert case.gateway.reload(**case.settings) == (200, {"reloaded": True, "changed": []})
    assert "new.example" in names_of(case.client())


def test_a_certificate_that_is_no_good_changes_nothing(case: Case) -> None:
    other = AUTHORITY.issue_cert("localhost", "new.example")
    Path(case.certificate).write_bytes(
        other.cert_chain_pems[0].bytes() + AUTHORITY.issue_cert("localhost").private_key_pem.bytes()
    )
    case.gateway.wait(4)
    code, problem = case.gateway.reload(**{**case.settings, "queue_max": 7})
    assert (code, "is not that of the first certificate" in problem["detail"]) == (422, True)
    assert case.gateway.reload(**case.settings)[0] == 422
    assert names_of(case.client()) == {"localhost"}


# ---- client certificates --------------------------------------------------------------------------------------------


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Case]:
    """A gateway that asks for certificates, and passes on whose they are."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "clients.pem"))
    case = Case(
        tmp_path,
        tls_client_certificates="required",
        tls_client_ca_file=str(tmp_path / "clients.pem"),
        tls_client_subject_header="X-Client-Subject",
    )
    yield case
    case.gateway.end()


def test_who_the_client_is_goes_on_to_the_backend_whatever_it_claims(asking: Case) -> None:
    shown = AUTHORITY.issue_cert("alice@a.example", common_name="Alicé", organization_name="A, B")
    client = asking.client(certificate=shown)
    client.send(
        b"POST /x HTTP/1.1\r\nHost: a.test\r\nX-Client-Subject: CN=root\r\nx_client_subject: CN=root\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Client-Subject: CN=root\r\nX-Other: kept\r\n\r\n"
    )
    request = asking.forwarded()
    assert b"root" not in request
    assert b"X-Other: kept" in request
    (line,) = [line for line in request.split(b"\r\n") if line.startswith(b"X-Client-Subject: ")]
    assert b"CN=Alic\\C3\\A9" in line
    assert b"O=A\\, B" in line


@pytest.mark.parametrize("stranger", [False, True])
def test_without_a_good_certificate_nobody_gets_in(asking: Case, stranger: bool) -> None:
    shown = {"certificate": trustme.CA().issue_cert("mallory@a.example")} if stranger else {}
    client = asking.client(**shown)
    # In TLS 1.3 a client has done its part before it is refused.
    if client.failed is None:
        client.read()
    assert client.failed
    assert client.raw.ended
    (label,) = asking.metric("tls_handshake_failures_total")
    assert label == ('reason="client_certificate"' if stranger else 'reason="no_client_certificate"')


def test_without_tls_a_client_cannot_claim_to_be_somebody(asking: Case) -> None:
    asking.connect().send(GET.replace(b"\r\n\r\n", b"\r\nX-Client-Subject: CN=root\r\n\r\n"))
    assert b"CN=root" not in asking.forwarded()


# ---- the PROXY protocol ---------------------------------------------------------------------------------------------


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Case]:
    """A gateway that believes 10.0.0.0/8."""
    case = Case(tmp_path, proxy_protocol_from=("10.0.0.0/8",))
    yield case
    case.gateway.end()


def test_the_client_is_who_the_load_balancer_says(behind: Case) -> None:
    behind.connect(peer=BALANCER).send(LINE + GET)
    assert b"X-Forwarded-For: 192.0.2.7\r\n" in behind.forwarded()


def test_the_header_goes_before_tls(behind: Case) -> None:
    raw = behind.connect(tls=True, peer=BALANCER)
    raw.send(LINE)
    behind.client(raw).send(GET)
    request = behind.forwarded()
    assert b"X-Forwarded-For: 192.0.2.7\r\n" in request
    assert b"X-Forwarded-Proto: https\r\n" in request


def test_a_forged_header_is_refused(behind: Case) -> None:
    forger = behind.connect()
    forger.send(LINE + GET)
    assert status(forger) == 400
    over_tls = behind.connect(tls=True)
    over_tls.send(LINE + GET)
    assert over_tls.ended
    assert not behind.gateway.backend.news()


def test_a_header_of_the_clients_behind_the_load_balancers_is_refused(behind: Case) -> None:
    raw = behind.connect(peer=BALANCER)
    raw.send(LINE + LOCAL_LINE + GET)
    assert status(raw) == 400


def test_from_the_load_balancer_nothing_is_taken_without_a_header(behind: Case) -> None:
    raw = behind.connect(peer=BALANCER)
    raw.send(GET)
    assert raw.ended
    assert raw.received == b""
    assert behind.metric("proxy_protocol_refused_total") == {'reason="missing"': 1}


@pytest.mark.parametrize("line", [LOCAL_LINE, b"PROXY UNKNOWN\r\n"])
@pytest.mark.parametrize("tls", [False, True])
def test_nobody_is_local_by_hearsay(tmp_path: Path, line: bytes, tls: bool) -> None:
    case = Case(tmp_path, proxy_protocol_from=("127.0.0.2/32",))
    raw = case.connect(tls=tls, peer=IPv4Address("TCP", "127.0.0.2", 5))
    raw.send(line)
    ask = b"GET /backends HTTP/1.1\r\nHost: localhost\r\n\r\n"
    if tls:
        client = case.client(raw)
        client.send(ask)
        case.gateway.wait(0)
        assert client.read().startswith(b"HTTP/1.1 403 ")
    else:
        raw.send(ask)
        case.gateway.wait(0)
        assert status(raw) == 403
    case.gateway.end()


def test_connections_are_limited_by_who_the_client_is(tmp_path: Path) -> None:
    case = Case(tmp_path, proxy_protocol_from=("10.0.0.0/8",), max_connections_per_client=8)
    raws = [case.connect(peer=BALANCER) for _ in range(10)]
    for raw, line in zip(raws, [*[LINE] * 9, LINE.replace(b".7", b".8")], strict=True):
        raw.send(line + GET)
    assert [status(raw) for raw in raws] == [0] * 8 + [429, 0]
    case.gateway.end()


def test_whom_to_believe_may_be_reloaded(behind: Case) -> None:
    code, _ = behind.gateway.reload(**{**behind.settings, "proxy_protocol_from": ()})
    assert code == 200
    raw = behind.connect(peer=BALANCER)
    raw.send(LINE + GET)
    assert status(raw) == 400


def test_a_header_that_does_not_come_is_waited_for_as_long_as_a_head(behind: Case) -> None:
    raw = behind.connect(peer=BALANCER)
    raw.send(LINE[:10])
    behind.gateway.wait(9)
    assert not raw.ended
    behind.gateway.wait(2)
    assert raw.ended


# ---- the PROXY protocol, towards backends ---------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "start"), [("v1", b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 8000\r\n"), ("v2", b"")])
def test_backends_are_told_the_client_at_the_beginning_of_its_connection(
    tmp_path: Path, version: str, start: bytes
) -> None:
    case = Case(tmp_path, upstream_proxy_protocol=version)
    client = case.connect()
    client.send(GET)
    case.gateway.wait(0)
    seen = case.forwarded()
    start = start or b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01" + b"\x9c\x40\x1f\x40"
    assert seen.startswith(start + b"GET /x HTTP/1.1\r\n")
    client.send(GET)
    assert case.forwarded().startswith(b"GET /x HTTP/1.1\r\n")
    case.gateway.end()


def test_checks_and_probes_say_that_they_are_the_gateways_own(tmp_path: Path) -> None:
    case = Case(tmp_path, upstream_proxy_protocol="v1")
    assert case.gateway.backends[0].connections[0].received.startswith(b"PROXY UNKNOWN\r\nGET /healthz ")
    case.gateway.end()


def test_files_of_a_service_that_has_left_are_looked_at_no_more() -> None:
    edge = Edge(Clock(), GatewaySettings(services={"a": {}}), lambda: 0.0)
    edge.prepare(GatewaySettings(services={"b": {}}))()
    assert set(edge.upstream_tls) == {"default", "b"}
