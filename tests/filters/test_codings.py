"""Every coding gives back what went in, however it was cut."""

import sys
from random import Random

import pytest
from decompressing import decompressed, decompressed_so_far
from hypothesis import given
from hypothesis import strategies as st

from openprequal.errors import ConfigurationError
from openprequal.filters.codings import CODINGS, coders

CODERS = coders(None, {})
NAMES = st.sampled_from(sorted(CODERS))
BODIES = st.one_of(st.binary(max_size=2000), st.text("ab<>\n", max_size=2000).map(str.encode))


def test_all_codings_are_there_in_the_order_of_their_cost() -> None:
    assert list(CODERS) == [b"zstd", b"br", b"gzip"]


@given(coding=NAMES, pieces=st.lists(BODIES, max_size=8))
def test_pieces_decompress_to_what_they_were(coding: bytes, pieces: list[bytes]) -> None:
    compressor = CODERS[coding].start()
    compressed = b"".join([*(compressor.add(piece) for piece in pieces), compressor.end()])
    assert decompressed(coding, compressed) == b"".join(pieces)


@given(coding=NAMES, pieces=st.lists(BODIES.filter(len), min_size=1, max_size=8))
def test_what_was_flushed_can_be_read_at_once(coding: bytes, pieces: list[bytes]) -> None:
    compressor = CODERS[coding].start()
    sent = b""
    for number, piece in enumerate(pieces, 1):
        sent += compressor.add(piece) + compressor.flush()
        assert decompressed_so_far(coding, sent) == (b"".join(pieces[:number]), False)
    assert decompressed(coding, sent + compressor.end()) == b"".join(pieces)


@given(coding=NAMES, content=BODIES)
def test_a_whole_content_decompresses_to_what_it_was(coding: bytes, content: bytes) -> None:
    assert decompressed(coding, CODERS[coding].whole(content)) == content


@pytest.mark.parametrize("coding", CODERS)
def test_a_higher_level_compresses_more(coding: bytes) -> None:
    content = b" ".join(Random(1).choices([b"%x" % number**3 for number in range(500)], k=10_000))
    name = coding.decode()
    levels = CODINGS[name].levels
    low, high = (len(coders((name,), {name: level})[coding].whole(content)) for level in (levels[0], levels[-1]))
    assert high < low < len(content)


@pytest.mark.parametrize("name", ["zstd", "br"])
def test_a_coding_whose_package_is_missing_is_left_out_unless_it_was_asked_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, CODINGS[name].module, None)
    assert name.encode() not in coders(None, {})
    with pytest.raises(ConfigurationError, match=rf"{name} needs the package .*openprequal\[compression\]"):
        coders((name,), {})
