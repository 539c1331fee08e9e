"""Which gateways are behind a name, by the answers so far."""

from openprequal.agent.behind_name import MISSES, BehindName, means_every_address


def name() -> BehindName:
    return BehindName("dns+http://gateways.test:8000")


def test_an_answer_without_addresses_changes_nothing() -> None:
    behind = name()
    behind.answered({"192.0.2.1"})
    assert [behind.answered(set()) for _ in range(MISSES + 1)] == [([], [])] * (MISSES + 1)


def test_an_address_that_is_back_in_time_was_never_gone() -> None:
    behind = name()
    behind.answered({"192.0.2.1", "192.0.2.2"})
    for _ in range(3):
        for _ in range(MISSES - 1):
            assert behind.answered({"192.0.2.2"}) == ([], [])
        assert behind.answered({"192.0.2.1", "192.0.2.2"}) == ([], [])


def test_an_address_that_was_given_up_is_new_when_it_comes_back() -> None:
    behind = name()
    behind.answered({"192.0.2.1", "192.0.2.2"})
    given_up = [behind.answered({"192.0.2.2"})[1] for _ in range(MISSES)]
    assert given_up == [*[[]] * (MISSES - 1), ["http://192.0.2.1:8000"]]
    assert behind.answered({"192.0.2.1", "192.0.2.2"}) == (["http://192.0.2.1:8000"], [])


def test_only_its_scheme_says_that_a_url_means_every_address() -> None:
    assert [means_every_address(f"{scheme}://a.test:1") for scheme in ("dns+http", "http", "https")] == [
        True,
        False,
        False,
    ]
