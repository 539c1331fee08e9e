"""List and watch, to the letter, and what happens when the API server does not keep to it."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_cluster import Cluster
from twisted.logger import LogLevel, capturedLogs

from openprequal.registry.kubernetes.requests import ApiFailure, Lines
from openprequal.testing.kubernetes_api import Refusal, endpoint_slice

ONE, TWO, THREE = (f"http://10.0.0.{number}:8080" for number in (1, 2, 3))
FIRST = endpoint_slice("web-1", "web", ["10.0.0.1"])
SECOND = endpoint_slice("web-2", "web", ["10.0.0.2"])


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """With one endpoint; not started yet."""
    cluster = Cluster()
    cluster.api.put(FIRST)
    yield cluster
    cluster.stop()


def watches(cluster: Cluster) -> list[str]:
    """The versions that were watched from."""
    return [query["resourceVersion"] for query in cluster.api.requests if "watch" in query]


def lists(cluster: Cluster) -> list[dict[str, str]]:
    return [query for query in cluster.api.requests if "watch" not in query]


def warnings(cluster: Cluster, seconds: float = 0.0) -> list[str]:
    """What is warned of meanwhile."""
    with capturedLogs() as events:
        cluster.pass_time(seconds)
    return [str(event["why"]) for event in events if event["log_level"] is LogLevel.warn]


def test_a_list_comes_first_and_a_watch_goes_on_from_its_version(cluster: Cluster) -> None:
    cluster.start()
    assert cluster.urls == [ONE]
    assert watches(cluster) == ["101"]
    cluster.api.put(SECOND)
    cluster.settle()
    assert cluster.urls == [ONE, TWO]
    cluster.api.delete("web-1")
    cluster.settle()
    assert cluster.urls == [TWO]


def test_a_list_is_asked_for_in_pages(cluster: Cluster) -> None:
    for number in range(2, 52):
        cluster.api.put(endpoint_slice(f"web-{number}", "web", [f"10.0.0.{number}"]))
    cluster.start()
    assert len(cluster.urls) == 51
    assert [query["limit"] for query in lists(cluster)] == ["20"] * 3
    assert ["continue" in query for query in lists(cluster)] == [False, True, True]


def test_pages_that_expire_meanwhile_are_asked_for_all_at_once(cluster: Cluster) -> None:
    for number in range(2, 52):
        cluster.api.put(endpoint_slice(f"web-{number}", "web", [f"10.0.0.{number}"]))
    cluster.api.forget_pages = True
    cluster.start()
    assert len(cluster.urls) == 51
    assert "limit" not in lists(cluster)[-1]


def test_a_list_says_nothing_of_a_version_so_that_it_is_never_older_than_what_is_known(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.compact()
    cluster.api.change_elsewhere()
    cluster.api.fail_watches(410)
    cluster.settle()
    assert len(lists(cluster)) == 2
    assert not any("resourceVersion" in query for query in lists(cluster))


def test_a_watch_that_ends_goes_on_from_the_last_version(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.put(SECOND)
    cluster.pass_time(2)
    cluster.api.end_watches()
    cluster.settle()
    assert watches(cluster) == ["101", "102"]
    assert len(lists(cluster)) == 1


def test_a_bookmark_moves_the_version_along(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.change_elsewhere()
    cluster.api.bookmark()
    cluster.api.compact()
    cluster.pass_time(2)
    cluster.api.end_watches()
    cluster.settle()
    assert watches(cluster) == ["101", "102"]
    assert len(lists(cluster)) == 1


def test_watches_take_a_minute_or_two_by_lot() -> None:
    times = set()
    for seed in range(5):
        cluster = Cluster(seed=seed).start()
        times.add(int(cluster.api.requests[-1]["timeoutSeconds"]))
        cluster.stop()
    assert len(times) > 1
    assert min(times) >= 60
    assert max(times) <= 120


@pytest.mark.parametrize("in_stream", [True, False])
def test_what_was_compacted_away_is_listed_anew_at_once_and_only_differences_are_told(
    cluster: Cluster, in_stream: bool
) -> None:
    cluster.api.gone_in_stream = in_stream
    cluster.start()
    cluster.api.cut_off()
    cluster.settle()
    cluster.api.put(SECOND)
    cluster.api.compact()
    cluster.pass_time(1.5)
    assert len(lists(cluster)) == 2
    assert cluster.heard == ["joined 10.0.0.1:8080", "joined 10.0.0.2:8080"]


def test_a_server_that_is_always_gone_is_not_asked_all_the_time(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.refusals.extend([Refusal(410)] * 1000)
    cluster.api.end_watches()
    cluster.pass_time(60)
    assert len(cluster.api.requests) < 20
    cluster.api.refusals.clear()


def test_changes_while_the_connection_was_broken_are_heard_of_afterwards(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.cut_off()
    cluster.settle()
    cluster.api.put(SECOND)
    cluster.api.delete("web-1")
    cluster.pass_time(1.5)
    assert cluster.urls == [TWO]
    assert len(lists(cluster)) == 1


@pytest.mark.parametrize("sent", [0, 1, 40, 200])
def test_an_event_that_is_cut_off_in_the_middle_is_told_again(cluster: Cluster, sent: int) -> None:
    cluster.start()
    cluster.api.cut_amid(SECOND, sent)
    cluster.settle()
    assert cluster.urls == [ONE]
    cluster.pass_time(1.5)
    assert cluster.urls == [ONE, TWO]


def test_events_may_come_in_single_bytes(cluster: Cluster) -> None:
    cluster.api.cut = lambda data: [data[at : at + 1] for at in range(len(data))]
    cluster.start()
    cluster.api.put(SECOND)
    cluster.settle()
    assert cluster.urls == [ONE, TWO]


def test_a_watch_that_hangs_is_given_up_and_backends_stay(cluster: Cluster) -> None:
    cluster.start()
    seconds = int(cluster.api.requests[-1]["timeoutSeconds"])
    cluster.hang()
    cluster.pass_time(seconds + 5)
    assert len(cluster.api.requests) == 2
    assert warnings(cluster, 7) == [f"is silent for {seconds + 10} s"]
    assert cluster.urls == [ONE]
    assert len(cluster.api.requests) == 3


def test_a_list_without_an_answer_is_given_up_and_asked_for_again(cluster: Cluster) -> None:
    cluster.api.silent = True
    cluster.start()
    assert warnings(cluster, 30) == ["is silent for 30 s"]
    cluster.api.silent = False
    cluster.pass_time(2)
    assert cluster.urls == [ONE]


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_backends_stay_while_the_server_fails(cluster: Cluster, status: int) -> None:
    cluster.start()
    cluster.api.refusals.extend([Refusal(status)] * 3)
    cluster.api.fail_watches(410)
    cluster.pass_time(0.5)
    assert cluster.urls == [ONE]
    cluster.pass_time(15)
    assert cluster.urls == [ONE]
    assert cluster.api.watching == 1
    assert cluster.heard == ["joined 10.0.0.1:8080"]


def test_backends_stay_while_nobody_listens(cluster: Cluster) -> None:
    cluster.start()
    cluster.refusing = True
    cluster.api.cut_off()
    cluster.pass_time(120)
    assert cluster.urls == [ONE]
    cluster.refusing = False
    cluster.api.put(SECOND)
    cluster.pass_time(31)
    assert cluster.urls == [ONE, TWO]


def test_pauses_grow_to_half_a_minute_at_most(cluster: Cluster) -> None:
    cluster.api.refusals.extend([Refusal(500)] * 1000)
    cluster.start()
    asked = []
    for _ in range(300):
        before = len(cluster.api.requests)
        cluster.pass_time(1)
        if len(cluster.api.requests) > before:
            asked.append(cluster.clock.seconds())
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert 10 < max(pauses) <= 32
    assert pauses[0] < 4
    cluster.api.refusals.clear()


@pytest.mark.parametrize("way", ["status", "event"])
def test_a_server_that_asks_for_time_gets_it(cluster: Cluster, way: str) -> None:
    cluster.start()
    if way == "status":
        cluster.api.refusals.append(Refusal(429, (("Retry-After", "20"),)))
        cluster.pass_time(2)
        cluster.api.end_watches()
    else:
        cluster.api.fail_watches(429, retryAfterSeconds=20)
    cluster.settle()
    asked = len(cluster.api.requests)
    cluster.pass_time(18)
    assert len(cluster.api.requests) == asked
    cluster.pass_time(3)
    assert cluster.api.watching == 1


def test_an_error_that_is_not_understood_leads_to_a_list(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.fail_watches(500)
    cluster.pass_time(1.5)
    assert len(lists(cluster)) == 2
    assert cluster.api.watching == 1


def test_a_version_that_the_server_does_not_know_yet_is_doubted_in_the_end(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.restore(50)
    cluster.api.cut_off()
    cluster.pass_time(20)
    assert watches(cluster)[-1] == "50"
    assert cluster.api.watching == 1


@pytest.mark.parametrize(
    "line",
    [
        b"not JSON",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"type": "ADDED"}',
        b'{"type": "ADDED", "object": null}',
        b'{"type": "ADDED", "object": {"metadata": {"resourceVersion": "900"}}}',
        b'{"type": "ADDED", "object": {"metadata": {"name": "a"}, "addressType": "IPv4"}}',
        b'{"type": "RENAMED", "object": {"metadata": {"name": "a", "resourceVersion": "900"}}}',
        b'{"type": "DELETED", "object": {"metadata": {"resourceVersion": "900"}}}',
        b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": 900}}}',
        b'{"type": "ERROR", "object": []}',
        b"\xff\xfe",
    ],
)
def test_an_event_that_makes_no_sense_leads_to_a_list(cluster: Cluster, line: bytes) -> None:
    cluster.start()
    cluster.api.say(line)
    cluster.pass_time(1.5)
    assert cluster.urls == [ONE]
    assert len(lists(cluster)) == 2
    assert cluster.api.watching == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>welcome to the hotel</html>",
        b"{}",
        b"[]",
        b'{"kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": []}',
        b'{"kind": "EndpointSliceList", "metadata": {}, "items": []}',
    ],
)
def test_what_is_no_list_empties_nothing(cluster: Cluster, body: bytes) -> None:
    cluster.start()
    cluster.api.refusals.append(Refusal(200, body=body))
    cluster.api.fail_watches(410)
    cluster.settle()
    assert cluster.urls == [ONE]
    cluster.pass_time(1.5)
    assert cluster.api.watching == 1
    assert cluster.heard == ["joined 10.0.0.1:8080"]


def test_a_list_that_is_empty_is_believed(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.cut_off()
    cluster.settle()
    cluster.api.delete("web-1")
    cluster.api.compact()
    cluster.pass_time(1.5)
    assert cluster.urls == []


def test_slices_that_make_no_sense_are_left_out_of_a_list(cluster: Cluster) -> None:
    broken = endpoint_slice("broken", "web", ["10.0.0.9"])
    broken["addressType"] = None
    cluster.api.put(broken)
    cluster.start()
    assert cluster.urls == [ONE]
    assert cluster.registry.ignored == 1


def test_the_token_is_read_again_for_the_next_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    cluster = Cluster(token_file=str(file))
    cluster.api.tokens = {"new"}
    cluster.api.put(FIRST)
    cluster.start()
    assert cluster.urls == []
    file.write_text("new")
    cluster.pass_time(1.5)
    assert cluster.urls == [ONE]
    cluster.stop()


def test_a_token_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    cluster = Cluster(token_file=str(tmp_path / "token"))
    with capturedLogs() as events:
        cluster.start()
    assert any("credentials" in str(event.get("why")) for event in events)
    cluster.stop()


def test_who_is_forbidden_is_told_which_role_is_missing(cluster: Cluster) -> None:
    cluster.start()
    cluster.api.refusals.append(Refusal(403))
    cluster.api.fail_watches(410)
    (why,) = warnings(cluster)
    assert "Role in namespace default" in why
    assert "verbs [get, list, watch]" in why


def test_a_failure_that_goes_on_is_told_once(cluster: Cluster) -> None:
    cluster.start()
    cluster.refusing = True
    cluster.api.cut_off()
    told = warnings(cluster, 60)
    assert len(told) == 2  # the watch broke, and the server cannot be asked
    assert "cannot be asked: " in told[1]


def test_a_stop_amid_a_pause_leaves_nothing_behind() -> None:
    cluster = Cluster()
    cluster.refusing = True
    cluster.start()
    cluster.stop()


def test_a_stop_before_the_start_is_harmless() -> None:
    Cluster().stop()


def test_a_stop_amid_a_list_leaves_nothing_behind() -> None:
    cluster = Cluster()
    cluster.api.silent = True
    cluster.start()
    cluster.stop()


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_are_put_together_wherever_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    taken: list[bytes] = []
    together = Lines(taken.append)
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        together.feed(whole[begin:end])
    assert taken == [line for line in lines if line.strip()]


def test_a_line_over_the_limit_is_refused_before_it_ends() -> None:
    together = Lines(lambda line: None, limit=100)
    together.feed(b"x" * 100)
    with pytest.raises(ApiFailure, match="more than 100 bytes"):
        together.feed(b"x")
