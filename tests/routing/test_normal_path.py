"""However a path is spelled, there is one form of it, and no spelling gets by."""

from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from openprequal.routing.normal_path import normal_path, with_single_slashes

PIECES = [
    b"a",
    b"admin",
    b"%61",
    b"..",
    b".",
    b"%2e",
    b"%2E%2e",
    b"%2f",
    b"%5c",
    b"\\",
    b";x",
    b"%",
    b"%zz",
    b"\xe9",
    b"~",
]
paths = st.lists(st.sampled_from([b"/", *PIECES]), max_size=12).map(lambda parts: b"/" + b"".join(parts))
raw_paths = st.binary(max_size=40).map(lambda octets: b"/" + octets)


@given(paths | raw_paths)
def test_what_is_normal_stays_as_it_is(path: bytes) -> None:
    normal = normal_path(path)
    if normal is not None:
        assert normal_path(normal) == normal


@given(paths | raw_paths)
def test_no_dot_segment_is_left_whoever_reads_it(path: bytes) -> None:
    normal = normal_path(path)
    if normal is not None:
        assert normal.startswith(b"/")
        read_loosely = unquote_to_bytes(normal).replace(b"\\", b"/").split(b"/")
        assert not {b".", b".."} & {segment.partition(b";")[0] for segment in read_loosely}


@given(paths)
def test_the_same_path_in_other_escapes_is_the_same(path: bytes) -> None:
    escaped = b"".join(b"%%%02x" % octet if octet in b"adminx.~" else bytes((octet,)) for octet in path)
    if b"%" not in path:
        assert normal_path(escaped) == normal_path(path)


@given(paths)
def test_nothing_but_escapes_and_dot_segments_changes(path: bytes) -> None:
    if not set(path) & set(b"%\xe9") and b"/." not in path and normal_path(path) is not None:
        assert normal_path(path) == path


def test_every_dot_segment_takes_one_segment_with_it() -> None:
    assert normal_path(b"/a/b/../../../c/./d/.") == b"/c/d/"


def test_the_asterisk_of_options_is_no_path() -> None:
    assert normal_path(b"*") == b"*"


def test_runs_of_slashes_are_one() -> None:
    assert with_single_slashes(b"//a///b//") == b"/a/b/"
