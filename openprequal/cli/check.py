"""``openprequal check FILE``: can a gateway use these settings, and all they name?"""

import argparse
import io
import json
import os
import sys
from contextlib import redirect_stdout
from typing import Any

from openprequal.errors import ConfigurationError


def add_to(commands: Any) -> None:
    """Add this subcommand."""
    one = commands.add_parser(
        "check",
        help="can a gateway use a file of settings?",
        description="Can a gateway use these settings, with the environment as it is, and all that they name? Says all"
        " that is wrong, a line each, as twistd openprequal --check does, and ends with 1 if anything is.",
    )
    one.add_argument("file", metavar="FILE", help="the gateway's settings, in TOML")
    one.add_argument("--json", action="store_true", help="for programs")
    one.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check it; the exit status is 1 if it cannot be used.

    :raises ConfigurationError: there is no such file.
    """
    if not os.path.isfile(options.file):
        raise ConfigurationError(f"{options.file}: there is no such file")
    ok, said = _checked(options.file)
    if options.json:
        sys.stdout.write(json.dumps({"file": options.file, "ok": ok, "said": said}, indent=2) + "\n")
    else:
        (sys.stdout if ok else sys.stderr).write("".join(f"{line}\n" for line in said))
    return 0 if ok else 1


def _checked(file: str) -> tuple[bool, list[str]]:
    # Here, because it is most of what there is to import, and installs a reactor.
    from openprequal.tap import Options, makeService

    said = io.StringIO()
    try:
        with redirect_stdout(said):
            options = Options()
            options.parseOptions(["--check", "--config", file])
            makeService(options)
    except SystemExit as end:
        if end.code in (0, None):
            return True, said.getvalue().splitlines()
        return False, str(end.code).splitlines()
    raise AssertionError("--check ends by itself")
