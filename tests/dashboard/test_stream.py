"""Who may look at the dashboard, how many, how long, and what becomes of those who are too slow."""

from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from watching import Watcher
from whole_gateway import Start, WholeGateway

from openprequal.dashboard import stream
from openprequal.dashboard.stream import EVERY_S, LIFETIME_S, MOST_VIEWERS, STALLED_S, Stream
from openprequal.frontend.client_connection import SMALL_READ

ELSEWHERE = IPv4Address("TCP", "198.51.100.7", 40000)
TOKEN = {"Authorization": "Bearer s3cret"}


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Stream]:
    """Every stream that is made."""
    made: list[Stream] = []
    init = Stream.__init__

    def noted(self: Stream, *arguments: Any) -> None:
        made.append(self)
        init(self, *arguments)

    monkeypatch.setattr(stream.Stream, "__init__", noted)
    return made


def test_who_may_not_call_the_admin_api_may_not_look(start: Start) -> None:
    gateway = start(token=["s3cret"])
    assert Watcher(gateway, peer=ELSEWHERE).status == 403
    assert Watcher(gateway, peer=ELSEWHERE, Authorization="Bearer wrong").status == 403
    assert Watcher(gateway, peer=ELSEWHERE, **TOKEN).status == 200


def test_another_sites_page_may_not_make_the_browser_look(start: Start) -> None:
    assert Watcher(start(), Sec_Fetch_Site="cross-site").status == 403


def test_snapshots_are_made_only_while_somebody_looks(start: Start, streams: list[Stream]) -> None:
    gateway = start()
    (made,) = streams
    assert not made.showing.running
    watcher = Watcher(gateway)
    assert made.showing.running
    watcher.connection.close()
    gateway.wait(2 * EVERY_S)
    assert not made.showing.running
    again = Watcher(gateway)
    gateway.wait(2.5 * EVERY_S)
    assert len(again.snapshots) == 3


def test_one_more_than_the_most_viewers_is_told_to_come_later(start: Start) -> None:
    gateway = start()
    watchers = [Watcher(gateway) for _ in range(MOST_VIEWERS)]
    assert Watcher(gateway).status == 503
    watchers[0].connection.close()
    assert Watcher(gateway).status == 200


def test_who_does_not_take_gets_no_more_and_afterwards_everything_at_once(
    start: Start,
) -> None:
    gateway = start(150, client_min_rate_bytes=None)  # whose snapshot fills the write buffer
    quick, slow = Watcher(gateway), Watcher(gateway)
    gateway.wait(EVERY_S)
    _leave_unread(gateway, slow)
    piled_up = slow.connection.piled_up
    gateway.wait(5 * EVERY_S)
    assert slow.connection.piled_up == piled_up
    slow.connection.read_on()
    gateway.wait(EVERY_S)
    last = slow.snapshots[-1]
    assert last["full"]
    assert len(slow.backends) == 150
    assert len(slow.snapshots) < len(quick.snapshots)


def _leave_unread(gateway: WholeGateway, watcher: Watcher) -> None:
    """Let so much pile up for *watcher* that its transport pauses."""
    watcher.connection.stop_reading()
    for number in range(20):
        order = "drain" if number % 2 == 0 else "undrain"
        for backend in gateway.backends:
            gateway.post(f"/_openprequal/{order}", {"url": backend.url})
        gateway.wait(EVERY_S)
        if watcher.connection.piled_up > SMALL_READ:
            return
    raise AssertionError("it was never too much")


def test_who_takes_nothing_for_long_is_cut(start: Start) -> None:
    gateway = start(150, client_min_rate_bytes=None)
    watcher = Watcher(gateway)
    gateway.wait(EVERY_S)
    _leave_unread(gateway, watcher)
    gateway.wait(STALLED_S + 2 * EVERY_S)
    assert watcher.connection.ended is not None


def test_a_stream_ends_after_a_while_so_that_its_token_is_looked_at_again(start: Start) -> None:
    gateway = start()
    watcher = Watcher(gateway)
    gateway.reactor.pump([EVERY_S] * int(LIFETIME_S / EVERY_S + 2))
    assert watcher.connection.received.endswith(b"0\r\n\r\n")


def test_streams_end_when_the_gateway_does_and_do_not_hold_it_up(start: Start) -> None:
    gateway = start()
    watcher = Watcher(gateway)
    gateway.stop()
    gateway.wait(2.0)
    assert watcher.connection.received.endswith(b"0\r\n\r\n")
    assert gateway.stopped


def test_a_stream_goes_on_when_the_settings_are_read_again(start: Start) -> None:
    gateway = start()
    watcher = Watcher(gateway)
    assert gateway.reload(response_timeout_seconds=5.0)[0] == 200
    before = len(watcher.snapshots)
    gateway.wait(EVERY_S)
    assert len(watcher.snapshots) == before + 1
    assert [event["kind"] for event in watcher.snapshots[-1]["events"]] == ["reloaded"]


def test_only_get_opens_a_stream(start: Start) -> None:
    gateway = start()
    assert gateway.post("/_openprequal/stream", {})[0] == 405
