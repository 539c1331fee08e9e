"""``openprequal register``, ``drain`` and the like: what is to be so of one backend?"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from openprequal.cli.asking import GatewayClient, add_gateway_options, client_of
from openprequal.cli.columns import printable

POLL_S: Final = 0.2


@frozen
class Operation:
    """A subcommand that asks something of one backend."""

    name: str
    help: str
    path: str
    told: Callable[[dict[str, Any]], str]
    """What was answered, for people."""
    description: str = ""


def _state(answer: dict[str, Any]) -> str:
    return f"{answer['url']} is {answer['state']}: {answer['reason']}"


OPERATIONS: Final = (
    Operation(
        "register",
        "let a backend be one; without heartbeats it stays until it is unregistered",
        "/register",
        lambda answer: f"{answer['url']} is registered in service {answer['service']}",
        "It gets requests once its first health check has passed. Registering again says the other particulars.",
    ),
    Operation(
        "unregister",
        "let a backend be one no more; requests under way go on",
        "/unregister",
        lambda answer: f"{answer['url']} is no backend of service {answer['service']} any more",
    ),
    Operation(
        "drain",
        "send a backend nothing new; requests under way go on",
        "/_openprequal/drain",
        _state,
        "Until undrain: neither a registration nor a report of the backend's undoes it.",
    ),
    Operation("undrain", "end a drain", "/_openprequal/undrain", _state),
    Operation(
        "eject",
        "take a backend out as one that fails; others take its place",
        "/_openprequal/eject",
        _state,
        "Until restore. Unlike a drained one it counts among those that should be there: backups are used for it.",
    ),
    Operation(
        "restore",
        "let a backend return that was ejected, by hand or for its failures",
        "/_openprequal/restore",
        _state,
    ),
)

_PARTICULARS: Final = (
    ("--weight", float, "carries this many times the load of a backend of weight 1"),
    ("--priority", int, "those of the lowest number are used while enough of them are healthy"),
    ("--zone", str, "where it is"),
    ("--health-path", str, "path of its health check"),
    ("--probe-path", str, "path that answers with its load"),
    ("--probe-port", int, "port that answers there"),
    ("--heartbeat-seconds", float, "it will register again so often, and is forgotten if it does not"),
)
"""What a registration may say more."""


def add_to(commands: Any) -> None:
    """Add these subcommands."""
    for operation in OPERATIONS:
        one = commands.add_parser(operation.name, help=operation.help, description=_about(operation))
        one.add_argument("url", metavar="URL", help="the backend, like http://10.0.0.1:8001")
        one.add_argument("--service", default="default", help="the service it is of; default: default")
        if operation.name == "register":
            for flag, kind, meaning in _PARTICULARS:
                one.add_argument(flag, type=kind, help=meaning)
        if operation.name == "drain":
            one.add_argument(
                "--wait",
                type=float,
                metavar="SECONDS",
                help="until no request is under way there; ends with 1 if there still is after so long",
            )
        add_gateway_options(one)
        one.set_defaults(run=run, operation=operation)


def _about(operation: Operation) -> str:
    first = f"{operation.help[0].upper()}{operation.help[1:]}."
    return f"{first} {operation.description}".strip()


def run(options: argparse.Namespace) -> int:
    """Ask for it; the exit status is 1 if that is refused.

    :raises NoAnswer: the gateway does not say.
    :raises Refused: it says no.
    """
    operation: Operation = options.operation
    client = client_of(options)
    names = [flag[2:].replace("-", "_") for flag, _, _ in _PARTICULARS]
    particulars = {name: value for name in names if (value := getattr(options, name, None)) is not None}
    answer = client.may("POST", operation.path, {"url": options.url, "service": options.service, **particulars})
    wait_s = getattr(options, "wait", None)
    if wait_s is not None:
        answer |= {"in_flight": _left(client, answer["service"], answer["url"], wait_s)}
    told = operation.told(answer)
    if answer.get("in_flight"):
        told += f"; after {wait_s:g} s {answer['in_flight']} requests are under way there"
    sys.stdout.write((json.dumps(answer, indent=2) if options.json else printable(told)) + "\n")
    return 1 if answer.get("in_flight") else 0


def _left(client: GatewayClient, service: str, url: str, wait_s: float) -> int:
    """How many requests are under way at that backend once there are none, or after *wait_s*."""
    deadline = time.monotonic() + wait_s
    while True:
        rows = client.get("/backends")["backends"]
        left = sum(row["in_flight"] for row in rows if (row["service"], row["url"]) == (service, url))
        remaining_s = deadline - time.monotonic()
        if not left or remaining_s <= 0:
            return int(left)
        time.sleep(min(POLL_S, remaining_s))
