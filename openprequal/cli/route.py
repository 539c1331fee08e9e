"""``openprequal route METHOD URL``: which route and service a request would take, and why."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.route_answer import answer_for, request_of

NO_ROUTE = 1


def add_to(commands: Any) -> None:
    """Add this subcommand."""
    one = commands.add_parser("route", help="which route and service a request would take, and why")
    one.add_argument("method", metavar="METHOD", help="like GET")
    one.add_argument("url", metavar="URL", help="like https://a.example/x?y")
    one.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="several may be given")
    one.add_argument("--config", metavar="FILE", help="the gateway's settings; else OPENPREQUAL_CONFIG")
    one.add_argument("--json", action="store_true", help="for programs")
    one.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say it; the exit status is 1 if no route takes it.

    :raises ConfigurationError: the settings cannot be used, or what is asked about is no request.
    """
    settings = load(GatewaySettings, {}, os.environ, options.config)
    answer = answer_for(settings, request_of(options.method, options.url, options.header))
    text = json.dumps(answer, indent=2) if options.json else "\n".join(_lines(answer))
    sys.stdout.write(text + "\n")
    return NO_ROUTE if "status" in answer and "route" not in answer else 0


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    """*answer* for people."""
    if "answered_by" in answer:
        yield f"answered by {answer['answered_by']}: {answer['why']}"
        return
    if "route" in answer:
        yield f"route {answer['route']}"
        yield f"  because    {', '.join(answer['because'])}"
    elif "why" in answer:
        yield answer["why"]
    if "services" in answer:
        yield f"  service    {_shares(answer['services'])}"
    if "rate_limits" in answer:
        yield f"  limited by {', '.join(answer['rate_limits'])}"
    if "checks" in answer:
        yield f"  checked by {', '.join(answer['checks'])}"
    for key, label in (("asked_for", "asked for"), ("status", "answered"), ("location", "location")):
        if key in answer:
            yield f"  {label:<10} {answer[key]}"
    if "mirror" in answer:
        yield f"  copied to  {_shares(answer['mirror'])}"
    for other in answer.get("not_taken", ()):
        yield f"not {other['route']}: {other['why']}"


def _shares(services: dict[str, float]) -> str:
    return ", ".join(name if share == 1.0 else f"{name} {share:.4g}" for name, share in services.items())
