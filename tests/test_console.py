"""What the pages show is compared with what commands say by rules that can fail."""

import pytest
from console import fits, session


def test_a_session_is_its_commands_with_what_each_said() -> None:
    text = "$ one \\\n>   more\n1\n\n2\n$ two\n$ three\n3\n"
    assert list(session(text)) == [("one \\\n  more", "1\n\n2"), ("two", ""), ("three", "3")]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("a b", "a b\n"),
        ("  a b", "a   b"),
        ("", "anything"),
        ("a … d", "a b c d"),
        ("a\n…\nd", "a\nb\nc\nd"),
        ("a\n…\nd", "a\nd"),
        ("(a) [b] *", "(a) [b] *"),
    ],
)
def test_what_a_page_tells_may_be_said(told: str, said: str) -> None:
    assert fits(said, told)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("a", "b"),
        ("a", ""),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("a\nb", "b\na"),
        ("200 200 429", "200 200 200"),
        ("a.c", "abc"),
        ("a …", "b c"),
    ],
)
def test_what_a_page_does_not_tell_may_not(told: str, said: str) -> None:
    assert not fits(said, told)


def test_numbers_vary_only_where_the_page_says_so() -> None:
    told = "backend-8001 took 12.5 ms of 1,000"
    assert fits("backend-8002 took 9 ms of 20", told, numbers_vary=True)
    assert not fits("backend-8002 took 9 ms of 20", told)
    assert not fits("backend-x took 9 ms of 20", told, numbers_vary=True)
