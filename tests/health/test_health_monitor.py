"""Who may be picked: checked when it joins and from time to time, down after two failures, and as it says itself."""

from collections.abc import Callable
from errno import EMFILE
from typing import Any

import pytest
from attrs import evolve
from monitored import monitored
from twisted.internet.error import ConnectBindError
from twisted.internet.task import Clock

from openprequal.health.monitor import CheckRules, HealthRules
from openprequal.health.standing import Condition
from openprequal.health.verdict import failure_of
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.upstream.fetch import Answer
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome, ReportFormat, ReportWay

INTERVAL_S = 10.0
TIMEOUT_S = 2.0


def answer(status: int, *fields: bytes, body: bytes = b"") -> bytes:
    head = [b"HTTP/1.1 %d X" % status, *fields, b"Content-Length: %d" % len(body), b"", b""]
    return b"\r\n".join(head) + body


class Case:
    """A monitor of one raw backend, ticking as the gateway has it tick."""

    def __init__(self, health_path: str | None = None, **checks: Any) -> None:
        self.clock = Clock()
        self.raw = RawBackend(self.clock, 0, 1.0)
        self.backend = Backend(url=self.raw.backend.url, health_path=health_path)
        rules = CheckRules(**{"interval_s": INTERVAL_S, "timeout_s": TIMEOUT_S, **checks})
        self.service, self.monitor = monitored(self.clock, self.raw.member, HealthRules("/healthz", rules))

    def join(self) -> None:
        self.monitor.joined(self.backend)
        self.clock.advance(0)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.monitor.tick()
            self.clock.advance(0)

    def wait_for_check(self) -> None:
        """Until the next check is sent."""
        sent = len(self.checks)
        for _ in range(300):
            self.wait(0.1)
            if len(self.checks) > sent:
                return
        raise AssertionError("no check was sent")

    @property
    def failures(self) -> int:
        return self.monitor.standings[self.backend.id].failures

    @property
    def checks(self) -> list[bytes]:
        return [b"GET " + part.partition(b"\r\n")[0] for part in self.raw.received.split(b"GET ")[1:]]

    @property
    def up(self) -> bool:
        return self.service.pick(AnyRequest(), frozenset()) is not None


@pytest.fixture
def case() -> Case:
    case = Case()
    case.join()
    return case


def test_a_backend_that_joins_is_checked_before_it_may_be_picked(case: Case) -> None:
    assert case.checks == [b"GET /healthz HTTP/1.1"]
    assert not case.up
    case.raw.answer(answer(200))
    assert case.up
    assert case.monitor.standings[case.backend.id].reason == "serving"


def test_a_backend_of_a_service_that_there_is_not_troubles_nobody(case: Case) -> None:
    stranger = Backend(url="http://203.0.113.9:80", service="other")
    heavier = Backend(url=stranger.url, service="other", weight=2.0)
    case.monitor.joined(stranger)
    case.monitor.changed(stranger, heavier)
    case.monitor.left(heavier, "test")
    assert set(case.monitor.standings) == {case.backend.id}


def test_the_health_path_of_the_registration_is_asked() -> None:
    case = Case(health_path="/alive?x")
    case.join()
    assert case.checks == [b"GET /alive?x HTTP/1.1"]


@pytest.mark.parametrize(
    ("path", "status", "up"),
    [
        (None, 200, True),
        (None, 302, True),
        (None, 404, True),
        (None, 401, True),
        (None, 500, False),
        (None, 503, False),
        ("/alive", 200, True),
        ("/alive", 204, True),
        ("/alive", 302, True),
        ("/alive", 404, False),
        ("/alive", 500, False),
    ],
)
def test_what_an_answer_means(path: str | None, status: int, up: bool) -> None:
    case = Case(health_path=path)
    case.join()
    case.raw.answer(answer(status))
    assert case.up is up
    assert (failure_of(case.backend, Answer(status, [], b"")) is None) is up


def test_checks_go_on_every_interval(case: Case) -> None:
    case.raw.answer(answer(200))
    for _ in range(3):
        before = case.clock.seconds()
        case.wait_for_check()
        assert 0.89 * INTERVAL_S <= case.clock.seconds() - before <= 1.11 * INTERVAL_S + 0.1
        case.raw.answer(answer(200))


def fails_with_500(case: Case) -> None:
    case.raw.answer(answer(500))


def closes(case: Case) -> None:
    case.raw.refuse()  # the connection had been used before: a fresh one is tried
    case.raw.connection.close()
    case.raw.accept()


def is_silent(case: Case) -> None:
    case.wait(TIMEOUT_S + 0.1)


@pytest.mark.parametrize("fail", [fails_with_500, closes, is_silent])
def test_two_failures_in_a_row_take_it_down_and_one_success_brings_it_back(
    case: Case, fail: Callable[[Case], None]
) -> None:
    case.raw.answer(answer(200))
    case.wait_for_check()
    fail(case)
    assert (case.failures, case.up) == (1, True)
    case.wait_for_check()
    fail(case)
    assert (case.failures, case.up) == (2, False)
    assert "health check" in case.monitor.standings[case.backend.id].reason
    case.wait_for_check()
    case.raw.answer(answer(200))
    assert (case.failures, case.up) == (0, True)


def test_after_a_failure_it_is_checked_soon_again(case: Case) -> None:
    case.raw.answer(answer(200))
    case.wait_for_check()
    case.raw.answer(answer(500))
    failed_at = case.clock.seconds()
    case.wait_for_check()
    assert case.clock.seconds() - failed_at < 1


def test_a_check_that_is_not_answered_is_given_up(case: Case) -> None:
    case.wait(TIMEOUT_S + 0.1)
    assert case.raw.connections[0].ended is not None
    assert case.monitor.standings[case.backend.id].failures == 1


def test_while_requests_are_answered_with_reports_of_its_state_no_checks_are_sent(case: Case) -> None:
    case.raw.answer(answer(200, b"OpenPrequal-Load: rif=0"))
    for _ in range(30):
        case.service.members[case.backend.id].answered_at = case.clock.seconds()
        case.wait(1)
    assert len(case.checks) == 1
    case.wait_for_check()


def test_one_that_does_not_tell_its_state_can_drain_by_its_health_path_whatever_else_it_answers(case: Case) -> None:
    case.raw.answer(answer(200))
    for _ in range(30):
        case.service.members[case.backend.id].answered_at = case.clock.seconds()
        case.wait(0.5)
        if len(case.checks) > 1:
            case.raw.answer(answer(503))
    assert not case.monitor.standings[case.backend.id].offered


def test_a_connect_failure_under_traffic_brings_a_check_at_once(case: Case) -> None:
    case.raw.answer(answer(200))
    member = case.service.members[case.backend.id]
    member.answered_at = case.clock.seconds()
    case.service.assign(member)
    case.service.free(member, Outcome(Ending.CONNECT_FAILED, None, None))
    case.clock.advance(0)
    assert len(case.checks) == 2
    assert case.up


def test_a_backend_that_says_it_drains_is_not_picked_until_it_is_ready_again(case: Case) -> None:
    case.raw.answer(answer(200))
    member = case.service.members[case.backend.id]
    case.service.reported(member, LoadReport(0.0, None, LoadState.DRAINING), 1.0)
    assert not case.up
    assert case.monitor.standings[case.backend.id].reason == "draining"
    case.service.reported(member, LoadReport(0.0, None, LoadState.READY), 2.0)
    assert case.up


def test_a_backend_that_drains_by_the_registrys_word_is_not_picked_whatever_it_says_itself(case: Case) -> None:
    case.raw.answer(answer(200))
    draining = evolve(case.backend, draining=True)
    case.monitor.changed(case.backend, draining)
    assert not case.up
    case.service.reported(case.service.members[draining.id], LoadReport(0.0, None, LoadState.READY), 1.0)
    assert not case.up
    standing = case.monitor.standings[draining.id]
    assert (standing.condition, standing.reason, standing.since) == (Condition.DRAINING, "draining", 0.0)
    case.monitor.changed(draining, case.backend)
    assert case.up


@pytest.mark.parametrize(
    "ready",
    [
        answer(200, b"OpenPrequal-Load: rif=0, state=ready"),
        answer(200, body=b'{"rif": 0, "state": "ready"}'),
    ],
)
def test_a_backend_that_drained_tells_in_its_check_that_it_is_ready_again(case: Case, ready: bytes) -> None:
    case.raw.answer(answer(200))
    member = case.service.members[case.backend.id]
    case.service.reported(member, LoadReport(0.0, None, LoadState.DRAINING), 1.0)
    # It gets no traffic and no probes now: the check is all that can bring it back.
    case.wait_for_check()
    case.raw.answer(ready)
    assert case.up


def test_what_a_backend_said_before_it_went_away_does_not_keep_out_what_comes_back(case: Case) -> None:
    case.raw.answer(answer(200, b"OpenPrequal-Load: rif=0, state=draining"))
    case.raw.refuse()
    case.raw.connection.close()
    case.wait(2 * INTERVAL_S)
    assert not case.monitor.standings[case.backend.id].checked_up
    case.raw.accept()
    case.wait_for_check()
    case.raw.answer(answer(200))
    assert case.monitor.standings[case.backend.id].offered


def test_a_backend_that_says_in_its_first_check_that_it_drains_is_not_picked(case: Case) -> None:
    case.raw.answer(answer(200, b"OpenPrequal-Load: rif=0, state=draining"))
    assert not case.up


def test_a_backend_that_leaves_is_neither_picked_nor_checked_any_more(case: Case) -> None:
    case.raw.answer(answer(200))
    case.monitor.left(case.backend, "unregistered")
    assert not case.up
    case.wait(30)
    assert len(case.checks) == 1
    assert case.raw.connection.ended is not None
    assert case.monitor.standings == {}


def test_leaving_gives_up_a_check_under_way(case: Case) -> None:
    case.monitor.left(case.backend, "unregistered")
    case.clock.advance(0)
    assert case.raw.connection.ended is not None
    case.raw.answer(answer(200))
    assert not case.up


def test_stopping_gives_up_checks_under_way(case: Case) -> None:
    case.monitor.stop()
    case.clock.advance(0)
    assert case.raw.connection.ended is not None


def test_another_health_path_is_checked_at_once(case: Case) -> None:
    case.raw.answer(answer(200))
    changed = Backend(url=case.backend.url, health_path="/alive")
    case.monitor.changed(case.backend, changed)
    case.clock.advance(0)
    assert case.checks[-1] == b"GET /alive HTTP/1.1"
    assert case.up
    assert case.service.members[changed.id].backend is changed


def test_another_weight_is_told_to_the_balancer_only_while_it_is_up(case: Case) -> None:
    told: list[Backend] = []
    case.service.balancer.reweighted = told.append  # type: ignore[method-assign, assignment]
    heavier, heaviest = Backend(url=case.backend.url, weight=2.0), Backend(url=case.backend.url, weight=3.0)
    case.monitor.changed(case.backend, heavier)
    assert told == []
    case.raw.answer(answer(200))
    assert case.service.pick(AnyRequest(), frozenset()) is heavier
    case.monitor.changed(heavier, heaviest)
    assert told == [heaviest]


def test_word_of_a_backend_that_has_left_is_ignored(case: Case) -> None:
    before = case.service.members[case.backend.id]
    case.monitor.left(case.backend, "reaped")
    case.monitor.told_state(case.backend, LoadState.DRAINING)
    case.monitor.failed(before, Outcome(Ending.CONNECT_FAILED, None, None))
    assert case.monitor.standings == {}


def test_a_backend_registered_with_another_probe_port_begins_anew(case: Case) -> None:
    case.raw.answer(answer(200))
    before = case.service.members[case.backend.id]
    moved = Backend(url=case.backend.url, probe_port=9999)
    case.monitor.changed(case.backend, moved)
    case.clock.advance(0)
    assert case.service.members[moved.id] is not before
    assert not case.up
    case.raw.answer(answer(200))
    assert case.service.pick(AnyRequest(), frozenset()) is moved


def test_another_probe_path_reaches_the_balancer(case: Case) -> None:
    case.raw.answer(answer(200))
    elsewhere = Backend(url=case.backend.url, probe_path="/load")
    case.monitor.changed(case.backend, elsewhere)
    assert case.service.pick(AnyRequest(), frozenset()) is elsewhere


def test_a_report_in_the_answer_to_a_check_is_kept_with_the_way_it_came() -> None:
    case = Case()
    case.join()
    case.raw.answer(answer(200, b"X-Prequal-RIF: 4"))
    member = case.service.members[case.backend.id]
    assert member.report == LoadReport(4.0, None, format=ReportFormat.PREQUAL_RS)
    assert member.report_way is ReportWay.HEALTH_CHECK


def test_as_many_failures_in_a_row_as_are_set_take_it_down() -> None:
    case = Case(fall=3)
    case.join()
    case.raw.answer(answer(200))
    for failures in (1, 2, 3):
        assert case.up
        case.wait_for_check()
        case.raw.answer(answer(500))
        assert case.failures == failures
    assert not case.up


def test_as_many_passes_in_a_row_as_are_set_bring_it_up_and_follow_soon() -> None:
    case = Case(rise=2)
    case.join()
    case.raw.answer(answer(200))
    assert not case.up
    assert case.monitor.standings[case.backend.id].reason == "health check: 1 of 2 passed"
    began = case.clock.seconds()
    case.wait_for_check()
    assert case.clock.seconds() - began < 1
    case.raw.answer(answer(200))
    assert case.up


def test_a_failure_between_makes_passes_count_anew() -> None:
    case = Case(rise=2)
    case.join()
    for status in (200, 500, 200):
        case.raw.answer(answer(status))
        assert not case.up
        case.wait_for_check()
    case.raw.answer(answer(200))
    assert case.up


@pytest.mark.parametrize(("status", "up"), [(204, True), (200, False), (302, False)])
def test_only_the_statuses_that_are_set_pass(status: int, up: bool) -> None:
    case = Case(statuses=frozenset({204}))
    case.join()
    case.raw.answer(answer(status))
    assert case.up is up


def test_without_jitter_checks_come_at_the_interval_exactly() -> None:
    case = Case(jitter=0.0)
    case.join()
    case.raw.answer(answer(200))
    began = case.clock.seconds()
    case.wait_for_check()
    assert case.clock.seconds() - began == pytest.approx(INTERVAL_S, abs=0.11)


@pytest.mark.parametrize(("way", "checked"), [(ReportWay.PROBE, False), (ReportWay.HEARTBEAT, True)])
def test_a_probe_that_was_answered_spares_the_check_and_a_heartbeat_does_not(way: ReportWay, checked: bool) -> None:
    case = Case()
    case.join()
    case.raw.answer(answer(200))
    member = case.service.members[case.backend.id]
    for _ in range(30):
        case.service.noted(member, LoadReport(0.0, None), case.clock.seconds(), way)
        case.wait(1)
    assert (len(case.checks) > 1) is checked


def test_checks_for_which_we_have_no_descriptor_say_nothing_and_go_on(case: Case) -> None:
    case.raw.answer(answer(200, b"Connection: close"))
    case.raw.refuse(ConnectBindError(EMFILE, "Too many open files"))
    before = case.raw.dialled
    case.wait(3 * INTERVAL_S)
    assert case.raw.dialled > before + 1
    assert case.failures == 0
    assert case.monitor.standings[case.backend.id].offered
    case.raw.refuse()
    case.wait(3 * INTERVAL_S)
    assert not case.monitor.standings[case.backend.id].offered
