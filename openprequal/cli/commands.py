"""Which subcommand, with what options? The command line of ``openprequal``."""

import argparse
import sys
from collections.abc import Sequence

from openprequal import __version__
from openprequal.cli import route
from openprequal.errors import ConfigurationError


def parser() -> argparse.ArgumentParser:
    """All subcommands; each module of this package adds its own and says what runs it."""
    top = argparse.ArgumentParser(prog="openprequal", description="Asks a gateway, or its settings.")
    top.add_argument("--version", action="version", version=f"openprequal {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    route.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status: 0, or 1 where the answer is no, or 2 where there is none."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ConfigurationError as error:
        sys.stderr.write(f"openprequal: {error}\n")
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
