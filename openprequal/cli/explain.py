"""``openprequal explain``: where would a request go now, and why; or why did the last ones go where they went?"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from openprequal.cli.asking import Refused, add_gateway_options, client_of
from openprequal.cli.columns import printable

DESCRIPTION = """
Where would a request go now, and why? With --count or --request-id: why did the last ones go where they went?
"""
_PAST: Final = {"count": "last", "request_id": "request_id"}
_NOW: Final = {"service": "service", "method": "method", "path": "path", "header": "header", "client": "client"}
"""What an option is called in the query."""


def add_to(commands: Any) -> None:
    """Add this subcommand."""
    one = commands.add_parser("explain", help="why a request goes, or went, where it does", description=DESCRIPTION)
    one.add_argument("--service", help="of that service, whatever the routes say")
    one.add_argument("--method", help="of the request that is asked about; GET unless it is said")
    one.add_argument("--path", help="the same, with its query; / unless it is said")
    one.add_argument("--header", action="append", metavar="NAME:VALUE", help="the same; several may be given")
    one.add_argument("--client", metavar="ADDRESS", help="the same; 127.0.0.1 unless it is said")
    one.add_argument("--count", type=int, help="so many of the last requests instead")
    one.add_argument("--request-id", metavar="ID", help="the one of that X-Request-Id instead")
    add_gateway_options(one)
    one.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say it.

    :raises NoAnswer: the gateway does not.
    :raises Refused: it knows no such service or request, or does not explain.
    """
    client = client_of(options)
    asked = {name: value for option, name in (_NOW | _PAST).items() if (value := getattr(options, option)) is not None}
    path = "/_openprequal/explain" + (f"?{urlencode(asked, doseq=True)}" if asked else "")
    try:
        answer = client.may("GET", path)
    except Refused as error:
        if error.status == 404 and not asked:
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
