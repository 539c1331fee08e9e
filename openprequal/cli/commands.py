"""Which subcommand, with what options? The command line of ``openprequal``."""

import argparse
import os
import sys
from collections.abc import Sequence

from openprequal import __version__
from openprequal.cli import check, explain, operating, route, status, top
from openprequal.cli.asking import NoAnswer, Refused
from openprequal.errors import ConfigurationError

_DESCRIPTION = """
Asks a gateway, or its settings. Every command takes --json, and ends with 0, or 1 where the answer is no, or 2 where
there is none.
"""


def parser() -> argparse.ArgumentParser:
    """All subcommands; each module of this package adds its own and says what runs it."""
    top_level = argparse.ArgumentParser(prog="openprequal", description=_DESCRIPTION)
    top_level.add_argument("--version", action="version", version=f"openprequal {__version__}")
    commands = top_level.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in (status, top, operating, explain, route, check):
        each.add_to(commands)
    return top_level


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status: 0, or 1 where the answer is no, or 2 where there is none."""
    options = parser().parse_args(arguments)
    try:
        exit_status: int = options.run(options)
        sys.stdout.flush()
    except (ConfigurationError, NoAnswer) as error:
        sys.stderr.write(f"openprequal: {error}\n")
        return 2
    except Refused as error:
        sys.stderr.write(f"openprequal: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who read it has gone, like head; nor is there anybody to hear what Python would say of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return exit_status


if __name__ == "__main__":
    sys.exit(main())
