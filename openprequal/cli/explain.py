"""``openprequal explain``: why did requests go where they went, and where would one go now?"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from openprequal.cli.asking import Refused, add_gateway_options, client_of
from openprequal.cli.columns import printable


def add_to(commands: Any) -> None:
    """Add this subcommand."""
    one = commands.add_parser(
        "explain",
        help="why requests went where they went",
        description="Why did the last requests go where they went, and where would one go now?",
    )
    one.add_argument("--service", help="that one only")
    one.add_argument("--count", type=int, help="so many of the last picks")
    add_gateway_options(one)
    one.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say it.

    :raises NoAnswer: the gateway does not.
    :raises Refused: it knows no such service, or does not explain.
    """
    client = client_of(options)
    asked = {name: value for name in ("service", "count") if (value := getattr(options, name)) is not None}
    path = "/_openprequal/explain" + (f"?{urlencode(asked)}" if asked else "")
    try:
        answer = client.may("GET", path)
    except Refused as error:
        if error.status == 404 and "service" not in asked:
            raise Refused(404, f"{client.url} is of a version that does not explain") from None
        raise
    text = json.dumps(answer, indent=2) if options.json else "\n".join(outline(answer))
    sys.stdout.write(text + "\n")
    return 0


def outline(value: Any, indent: str = "") -> Iterator[str]:
    """*value*, whatever JSON it is, for people: a line for each thing that is told, what belongs together indented."""
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, dict | list) and member:
                yield f"{indent}{printable(str(name))}:"
                yield from outline(member, indent + "  ")
            else:
                yield f"{indent}{printable(str(name))}: {_short(member)}"
    elif isinstance(value, list):
        for member in value:
            first, *more = list(outline(member)) or ["-"]
            yield f"{indent}- {first}"
            yield from (f"{indent}  {line}" for line in more)
    else:
        yield f"{indent}{_short(value)}"


def _short(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))
