"""What ``openprequal top`` shows on screens of any size."""

import pytest
from pictures import picture, row

from openprequal.cli.frame import Look, View

GONE = {
    "n": 7,
    "at": "2026-11-24T12:00:00.123Z",
    "kind": "left",
    "service": "default",
    "backend": "http://10.0.0.9:8001",
    "message": "silent for 2 s",
    "by": None,
}


def view(count: int, **more: object) -> View:
    now = picture(*(row(number) for number in range(count)))
    return View("http://gateway:8000", now, **more)  # type: ignore[arg-type]


def urls(lines: list[tuple[str, Look]]) -> list[str]:
    return [line.split()[0] for line, _ in lines if line.startswith("http://10.")]


@pytest.mark.parametrize("height", [1, 2, 10, 24, 200])
def test_a_hundred_backends_are_shown_as_far_as_there_is_room(height: int) -> None:
    frame = view(100, events=[GONE]).frame(height)
    assert len(urls(frame.lines)) + frame.hidden == 100
    assert urls(frame.lines)
    assert height < 10 or len(frame.lines) <= height


def test_whoever_scrolls_sees_all_of_them() -> None:
    seen, scrolled = set(), view(100)
    for first in range(0, 100, 10):
        scrolled.first = first
        seen.update(urls(scrolled.frame(24).lines))
    assert len(seen) == 100


def test_nobody_scrolls_past_the_end() -> None:
    scrolled = view(100, first=1000)
    assert urls(scrolled.frame(24).lines)[-1] == "http://10.0.0.99:8001"
    scrolled.first = -5
    assert urls(scrolled.frame(24).lines)[0] == "http://10.0.0.0:8001"


def test_who_may_not_be_picked_stands_out_with_the_reason() -> None:
    out = row(1, up=False, condition="draining", reason="drained by 10.1.2.3")
    lines = View("http://gateway:8000", picture(out)).frame(None).lines
    (told,) = [(line, look) for line, look in lines if line.startswith("http://10.")]
    assert "draining" in told[0]
    assert told[0].endswith("drained by 10.1.2.3")
    assert told[1] is Look.TROUBLE


def test_what_happened_lately_is_below() -> None:
    lines = view(1, events=[GONE]).frame(24).lines
    assert lines[-1][0] == "12:00:00  left       http://10.0.0.9:8001  silent for 2 s"


def test_a_gateway_that_does_not_answer_is_told_and_what_was_seen_stays() -> None:
    lines = view(1, trouble="http://gateway:8000 does not answer: Connection refused").frame(24).lines
    assert lines[0] == (
        "http://gateway:8000 does not answer: Connection refused; this is what was so before",
        Look.TROUBLE,
    )
    assert urls(lines) == ["http://10.0.0.0:8001"]


def test_nothing_that_was_registered_reaches_the_terminal_as_a_command() -> None:
    bad = row(1, up=False, condition="down", reason="health check: \x1b[2J\x07")
    text = "".join(line for line, _ in View("http://gateway:8000", picture(bad)).frame(None).lines)
    assert text.isprintable()
