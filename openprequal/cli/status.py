"""``openprequal status``: is the gateway ready, who may be picked, and why not?"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from attrs import asdict

from openprequal.cli.asking import add_gateway_options, client_of
from openprequal.cli.columns import number, printable, seconds, share, table
from openprequal.cli.picture import Picture, key_of, picks_since, service_lines, shares_of, taken

DESCRIPTION = """
Is the gateway ready, and who of its backends may be picked? Percentiles and shares are since the start.
Ends with 1 if it is not ready, or if a service has backends of which none may be picked.
"""


def add_to(commands: Any) -> None:
    """Add this subcommand."""
    one = commands.add_parser("status", help="services and backends: state, load, share", description=DESCRIPTION)
    add_gateway_options(one)
    one.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say it; the exit status is 1 if not all is well.

    :raises NoAnswer: the gateway does not say.
    """
    client = client_of(options)
    picture = taken(client, time.monotonic())
    if options.json:
        text = json.dumps(document(client.url, picture), indent=2)
    else:
        text = "\n".join(lines(client.url, picture))
    sys.stdout.write(text + "\n")
    return 0 if is_well(picture) else 1


def is_well(picture: Picture) -> bool:
    """Does it serve, all its services that have backends?"""
    return picture.not_ready is None and all(each.up for each in service_lines(picture, None) if each.backends)


def document(url: str, picture: Picture) -> dict[str, Any]:
    """All of it, as JSON has it."""
    shares = shares_of(picks_since(picture, None))
    return {
        "gateway": url,
        "ready": picture.not_ready is None,
        "not_ready": picture.not_ready,
        "services": [
            {**asdict(each), "balancer": picture.balancers.get(each.name)} for each in service_lines(picture, None)
        ],
        "backends": [{**row, "share": shares[key_of(row)]} for row in picture.rows],
    }


def lines(url: str, picture: Picture) -> Iterator[str]:
    """All of it, for people."""
    yield f"{url} is ready" if picture.not_ready is None else f"{url} is not ready: {printable(picture.not_ready)}"
    yield ""
    header = ("SERVICE", "UP", "QUEUED", "REQUESTS", "ERRORS", "P50", "P90", "P99", "BALANCER")
    services = [
        (
            each.name,
            f"{each.up}/{each.backends}",
            number(each.queued),
            number(picture.counts[each.name].requests) if each.name in picture.counts else "-",
            number(picture.counts[each.name].errors) if each.name in picture.counts else "-",
            *map(seconds, (each.p50_s, each.p90_s, each.p99_s)),
            picture.balancers.get(each.name, "-"),
        )
        for each in service_lines(picture, None)
    ]
    yield from table(header, services, right=header[1:-1])
    yield ""
    shares = shares_of(picks_since(picture, None))
    columns = ("SERVICE", "BACKEND", "STATE", "IN FLIGHT", "RIF", "LATENCY", "SHARE", "LOAD", "REASON")
    backends = [
        (
            row["service"],
            row["url"],
            state_of(row),
            number(row["in_flight"]),
            number(row["rif"]),
            seconds(row["average_latency"]),
            share(shares[key_of(row)]),
            source_of(row),
            row["reason"],
        )
        for row in picture.rows
    ]
    yield from table(columns, backends, right=("IN FLIGHT", "RIF", "LATENCY", "SHARE"))
    if not backends:
        yield "there are no backends"


def state_of(row: dict[str, Any]) -> str:
    """What the backend of *row* is, in one word."""
    return str(row["condition"] or "left")


def source_of(row: dict[str, Any]) -> str:
    """Where its load comes from, and how old that is."""
    age = row["report_age"]
    return str(row["load_source"]) if age is None else f"{row['load_source']}, {seconds(age)} ago"
