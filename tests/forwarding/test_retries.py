"""A request that fails at one backend goes to another where that is safe, and the client has no byte yet."""

from collections.abc import Callable, Iterator
from errno import EMFILE
from typing import Any

import pytest
from attempts import Attempts
from messages import CHUNKED_POST, GET, NO_CONTENT, OK, POST, content, statuses
from twisted.internet.error import ConnectBindError

from openprequal.forwarding.retry import RetryRules, Unsafe
from openprequal.forwarding.route import Timeouts
from openprequal.testing.network import MemoryNetwork, RawBackend
from openprequal.values import Ending

PUT = POST.replace(b"POST", b"PUT")
KEYED = POST.replace(b"Host: a.test\r\n", b"Host: a.test\r\nIdempotency-Key: 7\r\n")
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
TIMEOUTS = Timeouts(response_s=10.0, stall_s=20.0, queue_s=1.0, connect_s=2.0)


class Case(Attempts):
    """A network, a client, and what the balancer hears."""

    def __init__(self, backends: int = 3, retries: RetryRules | None = None, **network: Any) -> None:
        super().__init__(backends, timeouts=TIMEOUTS, retries=retries, **network)

    @property
    def asked(self) -> list[int]:
        """Which backends have received something."""
        return [number for number in range(len(self.network.members)) if self.at(number).received]


@pytest.fixture
def make() -> Iterator[Callable[..., Case]]:
    cases: list[Case] = []

    def case(*arguments: Any, **network: Any) -> Case:
        cases.append(Case(*arguments, **network))
        return cases[-1]

    yield case
    # Whatever the test did: the counts come back, and each exchange settled once.
    for one in cases:
        one.client.close()
        assert one.network.in_flight == 0
        assert sum(one.network.settled.values()) == 1


def closes(backend: RawBackend) -> None:
    backend.connection.close()


def resets(backend: RawBackend) -> None:
    backend.connection.reset()


def talks_nonsense(backend: RawBackend) -> None:
    backend.answer(b"SSH-2.0-x\r\n\r\n")


def breaks_in_the_head(backend: RawBackend) -> None:
    backend.answer(b"HTTP/1.1 200 O")
    backend.connection.close()


@pytest.mark.parametrize("fail", [closes, resets, talks_nonsense, breaks_in_the_head])
def test_a_get_whose_backend_breaks_goes_to_another(
    make: Callable[..., Case], fail: Callable[[RawBackend], None]
) -> None:
    case = make()
    case.client.send(GET)
    fail(case.at(0))
    assert not case.client.received
    case.at(1).answer(OK)
    assert content(case.client.received) == b"hello"
    assert case.endings == [Ending.BROKEN, Ending.RESPONSE]
    assert case.network.service.retry_budget.counts == {"broken": 1}


def test_as_many_others_are_tried_as_are_set(make: Callable[..., Case]) -> None:
    case = make(4, RetryRules(attempts=2))
    case.client.send(GET)
    for number in range(3):
        case.at(number).connection.close()
    assert statuses(case.client.received) == [502]
    assert case.asked == [0, 1, 2]


def test_when_nobody_is_left_it_is_502(make: Callable[..., Case]) -> None:
    case = make(2, RetryRules(attempts=5))
    case.client.send(GET)
    case.at(0).connection.close()
    case.at(1).connection.close()
    assert statuses(case.client.received) == [502]
    assert case.at(0).dialled == 1


def test_refused_connects_do_not_count_as_tries(make: Callable[..., Case]) -> None:
    case = make(4, RetryRules(attempts=1))
    case.at(1).refuse()
    case.at(2).refuse()
    case.client.send(GET)
    case.at(0).connection.close()
    case.at(3).answer(OK)
    assert statuses(case.client.received) == [200]


@pytest.mark.parametrize(
    ("request_", "unsafe", "repeated"),
    [
        (POST + b"hello", Unsafe.NO, False),
        (KEYED + b"hello", Unsafe.NO, False),
        (POST + b"hello", Unsafe.KEYED, False),
        (KEYED + b"hello", Unsafe.KEYED, True),
        (POST + b"hello", Unsafe.YES, True),
        (PUT + b"hello", Unsafe.NO, True),
    ],
)
def test_a_request_that_is_not_idempotent_is_repeated_only_where_that_is_allowed(
    make: Callable[..., Case], request_: bytes, unsafe: Unsafe, repeated: bool
) -> None:
    case = make(2, RetryRules(unsafe=unsafe))
    case.client.send(request_)
    case.at(0).connection.close()
    assert case.asked == ([0, 1] if repeated else [0])
    if repeated:
        assert case.at(1).received.endswith(b"\r\n\r\nhello")
        case.at(1).answer(NO_CONTENT)
    assert statuses(case.client.received) == [204 if repeated else 502]


def test_a_body_in_pieces_is_kept_and_sent_again(make: Callable[..., Case]) -> None:
    case = make(2)
    case.client.send(PUT)
    case.client.send(b"he")
    case.client.send(b"l")
    case.at(0).connection.close()
    assert case.at(1).received.endswith(b"\r\n\r\nhel")
    case.client.send(b"lo")
    assert case.at(1).received.endswith(b"\r\n\r\nhello")
    case.at(1).answer(NO_CONTENT)
    assert statuses(case.client.received) == [204]


def test_a_chunked_body_with_its_end_is_sent_again(make: Callable[..., Case]) -> None:
    case = make(2)
    case.client.send(CHUNKED_POST.replace(b"POST", b"PUT"))
    case.client.send(b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n")
    case.at(0).connection.close()
    assert case.at(1).received.endswith(b"5\r\nhello\r\n0\r\nX: y\r\n\r\n")


def test_a_body_over_the_limit_is_not_kept(make: Callable[..., Case]) -> None:
    case = make(2, RetryRules(body_bytes=4))
    case.client.send(PUT)
    for piece in (b"hel", b"lo"):
        case.client.send(piece)
    case.at(0).connection.close()
    assert statuses(case.client.received) == [502]


@pytest.mark.parametrize("begun", [OK[:-1], b"HTTP/1.1 103 Early Hints\r\n\r\n"])
def test_nothing_is_repeated_once_the_client_has_a_byte(make: Callable[..., Case], begun: bytes) -> None:
    case = make(2)
    case.client.send(GET)
    case.at(0).answer(begun)
    case.at(0).connection.close()
    assert case.asked == [0]


def test_the_budget_is_a_share_of_requests_with_a_floor(make: Callable[..., Case]) -> None:
    case = make(1)
    budget = case.network.service.retry_budget
    now = case.network.clock.seconds()
    while budget.available(now):
        budget.spend("test")
    assert budget.counts["test"] == 30
    case.client.send(GET)
    case.at(0).connection.close()
    assert case.network.service.retry_budget.refused == 2
    assert statuses(case.client.received) == [502]


def test_without_a_budget_not_even_a_refused_connect_is_repeated(make: Callable[..., Case]) -> None:
    case = make(2, retry_share=0.0)
    case.at(0).refuse()
    case.client.send(GET)
    assert statuses(case.client.received) == [502]
    assert case.asked == []


def test_without_a_head_in_the_time_of_a_try_another_is_asked(make: Callable[..., Case]) -> None:
    case = make(2, RetryRules(try_s=2.0))
    case.client.send(GET)
    case.network.wait(3)
    assert case.asked == [0, 1]
    assert case.at(0).connection.ended is not None
    case.at(1).answer(OK)
    assert statuses(case.client.received) == [200]
    assert case.endings == [Ending.TIMEOUT, Ending.RESPONSE]


def test_where_no_other_may_be_asked_the_first_gets_its_whole_time(make: Callable[..., Case]) -> None:
    case = make(1, RetryRules(try_s=2.0))
    case.client.send(GET)
    case.network.wait(8)
    case.at(0).answer(OK)
    assert statuses(case.client.received) == [200]


def test_a_post_gets_its_whole_time(make: Callable[..., Case]) -> None:
    case = make(2, RetryRules(try_s=2.0))
    case.client.send(POST + b"hello")
    case.network.wait(8)
    case.at(0).answer(OK)
    assert statuses(case.client.received) == [200]


def test_an_error_is_the_clients_unless_its_status_is_to_be_retried(make: Callable[..., Case]) -> None:
    case = make(2)
    case.client.send(GET)
    case.at(0).answer(BAD)
    assert statuses(case.client.received) == [503]
    assert case.asked == [0]


@pytest.mark.parametrize("cuts", [(), range(1, len(BAD))])
def test_a_status_that_is_to_be_retried_goes_to_another(make: Callable[..., Case], cuts: Any) -> None:
    case = make(2, RetryRules(statuses=frozenset({503})))
    case.client.send(GET)
    case.at(0).answer(BAD, cuts=cuts)
    assert not case.client.received
    case.at(1).answer(OK)
    assert content(case.client.received) == b"hello"
    assert [outcome.status for outcome in case.outcomes] == [503, 200]


def test_the_connection_of_a_whole_response_is_kept(make: Callable[..., Case]) -> None:
    case = make(2, RetryRules(statuses=frozenset({503})))
    case.client.send(GET)
    case.at(0).answer(BAD)
    assert case.network.members[0].connections.idle == 1


def test_the_last_response_is_the_clients_whatever_its_status(make: Callable[..., Case]) -> None:
    case = make(2, RetryRules(statuses=frozenset({503})))
    case.client.send(GET)
    case.at(0).answer(BAD)
    case.at(1).answer(BAD)
    assert statuses(case.client.received) == [503]
    assert content(case.client.received) == b"busy"


def test_where_the_others_have_no_room_the_response_is_the_clients() -> None:
    network = MemoryNetwork(2, max_in_flight=1, queue_max=1, retries=RetryRules(statuses=frozenset({503})))
    first, second, third = (network.client() for _ in range(3))
    for client in (first, second, third):
        client.send(GET)
    assert network.service.queued == 1
    network.backend(0).answer(BAD)
    assert statuses(first.received) == [503]
    assert network.service.queued == 0
    assert [member.in_flight for member in network.members] == [1, 1]


def test_a_descriptor_that_we_lack_does_not_weigh_against_the_backend(make: Callable[..., Case]) -> None:
    case = make(1)
    case.at(0).refuse(ConnectBindError(EMFILE, "Too many open files"))
    case.client.send(GET)
    case.network.wait(0)
    assert statuses(case.client.received) == [502]
    assert case.endings == [Ending.CANCELLED]
