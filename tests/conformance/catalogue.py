"""Every case there is, in one list."""

from . import (
    chunked_requests,
    connections,
    duties,
    forwarding_fields,
    framing_requests,
    framing_responses,
    heads,
    hosts,
    interim,
    kinds,
    limits,
    load_reports,
    old_clients,
    pipelining,
    streaming,
    targets,
    transparency,
    upgrades,
)
from .case import Case

TOPICS = (
    framing_requests,
    chunked_requests,
    heads,
    hosts,
    limits,
    targets,
    transparency,
    duties,
    forwarding_fields,
    load_reports,
    framing_responses,
    kinds,
    interim,
    streaming,
    old_clients,
    connections,
    pipelining,
    upgrades,
)

CASES: list[Case] = [case for topic in TOPICS for case in topic.CASES]
