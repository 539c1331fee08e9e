"""Messages come out of a stream as they went in, however it is cut; what is no message is told from one."""

import json
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.workers.framing import MOST, BadFrame, Frames, Message, frame

MESSAGES = st.lists(
    st.builds(
        Message,
        st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())),
        st.binary(max_size=300),
    ),
    max_size=5,
)


@given(MESSAGES, st.data())
def test_messages_come_out_as_they_went_in_however_the_stream_is_cut(
    messages: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(frame(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    frames, heard = Frames(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        heard += frames.feed(stream[start:end])
    assert heard == messages


@given(st.binary(max_size=200))
def test_garbage_is_a_message_or_bad_and_nothing_else(garbage: bytes) -> None:
    try:
        heard = list(Frames().feed(garbage))
    except BadFrame:
        return
    assert all(isinstance(message.head, dict) for message in heard)


@pytest.mark.parametrize("head", [b"", b"[1]", b"{", b"\xff", b"[" * 100_000])
def test_a_head_that_is_no_object_is_bad(head: bytes) -> None:
    with pytest.raises(BadFrame):
        list(Frames().feed(pack("!II", len(head), 0) + head))


@pytest.mark.parametrize("lengths", [(MOST + 1, 0), (2, MOST + 1)])
def test_a_length_beyond_all_bounds_is_bad_before_anything_is_kept_for_it(lengths: tuple[int, int]) -> None:
    with pytest.raises(BadFrame):
        list(Frames().feed(pack("!II", *lengths)))


def test_a_payload_may_be_longer_than_a_value_of_amp() -> None:
    payload = b"x" * 1_000_000
    (message,) = Frames().feed(frame(Message({"kind": "a"}, payload)))
    assert message.payload == payload
    assert json.loads(json.dumps(message.head)) == {"kind": "a"}
