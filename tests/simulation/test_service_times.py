"""Service times are read from what people have, and what cannot be read is named with its line."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.errors import ConfigurationError
from openprequal.simulation.service_times import FORMATS, MOST, read_times

COMBINED = (
    '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 2326 "-" "curl/8"{}\n'
    '192.0.2.1 - - [10/Oct/2025:13:55:37 +0000] "GET /b HTTP/1.1" 200 12 "-" "rt=9 agent"{}\n'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "times"


def test_a_list_has_one_a_line(file: Path) -> None:
    file.write_text("0.5\n\n# a remark\n1.25  # and another\n")
    assert read_times(file, "list", None, "s") == (0.5, 1.25)


def test_units_become_seconds(file: Path) -> None:
    file.write_text("250\n")
    assert read_times(file, "list", None, "ms") == (0.25,)
    assert read_times(file, "list", None, "us") == (0.00025,)


@pytest.mark.parametrize("field", ["seconds", "2"])
def test_a_csv_has_a_column_by_name_or_number(file: Path, field: str) -> None:
    file.write_text('path,seconds\n"/a,b",0.5\n/c,0.25\n')
    assert read_times(file, "csv", field, "s") == (0.5, 0.25)


def test_a_csv_without_heading_is_read_from_its_first_line(file: Path) -> None:
    file.write_text("0.5,x\n0.25,y\n")
    assert read_times(file, "csv", None, "s") == (0.5, 0.25)


def test_an_access_log_ends_in_the_time(file: Path) -> None:
    file.write_text(COMBINED.format(" 0.012", " 0.250"))
    assert read_times(file, "access_log", None, "s") == (0.012, 0.25)


@pytest.mark.parametrize("second", ["urt=0.250", 'urt="0.250"', 'urt="0.002, 0.250"', "urt=0.002 : 0.250"])
def test_an_access_log_names_its_times(file: Path, second: str) -> None:
    file.write_text(COMBINED.format(" rt=1.5 urt=0.012 x", f" rt=2.5 {second} x"))
    expected = 0.002 if " : " in second else 0.25
    assert read_times(file, "access_log", "urt", "s") == (0.012, expected)


def test_requests_that_reached_no_upstream_do_not_count(file: Path) -> None:
    file.write_text(COMBINED.format(" urt=-", " urt=0.25"))
    assert read_times(file, "access_log", "urt", "s") == (0.25,)


def test_json_lines_have_a_key_perhaps_within_others(file: Path) -> None:
    file.write_text('{"t": {"rt": 0.5}}\n\n{"t": {"rt": "0.25"}}\n{"t": null}\n')
    assert read_times(file, "json_lines", "t.rt", "s") == (0.5, 0.25)


@pytest.mark.parametrize(
    ("kind", "field", "text", "said"),
    [
        ("list", None, "0.5\nfast\n", "times, line 2: 'fast' is no number"),
        ("list", None, "0.5\n-1\n", "times, line 2: -1.0 is no service time"),
        ("list", None, "nan\n", "times, line 1: nan is no service time"),
        ("list", None, "# nothing\n", "no service times in it"),
        ("list", None, "0\n", "no service times in it"),
        ("csv", "secs", "path,seconds\n", "line 1: no column 'secs'; there are path, seconds"),
        ("csv", "3", "a,b\n", "line 1: no column 3"),
        ("csv", "seconds", "path,seconds\n/a,0.5\n/b,x\n", "line 3: 'x' is no number"),
        ("access_log", None, COMBINED.format(" 0.1", ""), "line 2: does not end in a number"),
        ("access_log", "urt", COMBINED.format(" urt=0.1", " rt=0.1"), "line 2: has no urt="),
        ("json_lines", "rt", '{"rt": 1}\nx\n', "line 2: not JSON"),
        ("json_lines", "rt", '{"rt": true}\n', "line 1: rt is True, no number"),
        ("json_lines", None, "", "service_time.field says"),
    ],
)
def test_what_cannot_be_read_is_named(file: Path, kind: str, field: str | None, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_times(file, kind, field, "s")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone: No such file"):
        read_times(tmp_path / "gone", "list", None, "s")


def test_a_long_file_is_thinned_out_evenly(file: Path) -> None:
    file.write_text("".join(f"{number}\n" for number in range(1, 2 * MOST + 1)))
    times = read_times(file, "list", None, "s")
    assert len(times) == MOST
    assert (times[0], times[-1]) == (1.0, 2 * MOST - 1)


@given(st.sampled_from(FORMATS), st.binary(max_size=200))
def test_whatever_is_in_it_a_file_is_read_or_refused(kind: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any"
        path.write_bytes(content)
        try:
            times = read_times(path, kind, "rt", "s")
        except ConfigurationError:
            return
    assert all(value > 0.0 for value in times)
