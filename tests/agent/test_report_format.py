"""What a load report looks like on the wire (PREQUAL.md section 6)."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from openprequal.agent.report_format import field_value, health_body
from openprequal.values import LoadReport, LoadState

REPORTS = st.builds(LoadReport, st.integers(0, 10**6), st.none() | st.floats(0, 1e5), st.sampled_from(list(LoadState)))


def test_a_report_as_a_field() -> None:
    assert field_value(LoadReport(7, 0.0123)) == b"rif=7, latency=0.012300, state=ready"


def test_an_unknown_latency_is_left_out_of_the_field() -> None:
    assert field_value(LoadReport(0, None, LoadState.WARMING)) == b"rif=0, state=warming"


def test_a_report_as_the_body_of_the_health_path() -> None:
    assert json.loads(health_body(LoadReport(7, 0.0123))) == {
        "status": "ok",
        "rif": 7,
        "latency": 0.0123,
        "state": "ready",
    }


def test_a_draining_backend_says_so_in_its_status() -> None:
    body = json.loads(health_body(LoadReport(0, None, LoadState.DRAINING)))
    assert (body["status"], body["latency"], body["state"]) == ("draining", None, "draining")


@given(REPORTS)
def test_every_report_is_a_dictionary_of_plain_numbers(report: LoadReport) -> None:
    assert re.fullmatch(rb"rif=\d+(, latency=\d+\.\d{6})?, state=[a-z]+", field_value(report))


@given(REPORTS)
def test_field_and_body_say_the_same(report: LoadReport) -> None:
    members = dict(member.split("=") for member in field_value(report).decode().split(", "))
    body = json.loads(health_body(report))
    assert (float(members["rif"]), members["state"]) == (body["rif"], body["state"])
    assert (float(members["latency"]) if "latency" in members else None) == body["latency"]
