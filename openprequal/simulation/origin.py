"""What does a result come from? A digest of the code, scenario, rule and seed: as long as it is the same, so is the
result."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import openprequal
from openprequal.simulation.run import Rule
from openprequal.simulation.scenario import Scenario

_PACKAGE = Path(openprequal.__file__).parent
_ENTRY = "openprequal.simulation.run"


def digest(scenario: Scenario, rule: Rule, seed: int) -> str:
    """Of one run, by the code as it was when this was first asked, which is the code that is loaded."""
    return sha256(repr((_code(), scenario, rule, seed)).encode()).hexdigest()[:16]


def modules() -> dict[str, Path]:
    """The modules of this package that a run reaches, by name: what only tells of results is none of them."""
    found: dict[str, Path] = {}
    waiting = [_ENTRY]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name not in found and path is not None:
            found[name] = path
            waiting += [name.rpartition(".")[0], *_imported(path)]
    return found


@cache
def _code() -> str:
    # Random numbers may differ from one Python to the next.
    total = sha256(repr(sys.version_info[:2]).encode())
    for name, path in sorted(modules().items()):
        source = path.read_bytes()
        total.update(f"{name} {len(source)}\n".encode() + source)
    return total.hexdigest()


def _source(name: str) -> Path | None:
    """The file of a module; None: it is not ours, or no module."""
    package, *rest = name.split(".")
    if package != openprequal.__name__:
        return None
    place = _PACKAGE.joinpath(*rest)
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.exists():
            return path
    return None


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
