"""The import directions that DESIGN promises, and the traps of the tree's layout."""

import ast
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "openprequal"
FILES = sorted(PACKAGE.rglob("*.py"))

ASSEMBLY = {
    *("assembly", "control_plane", "data_plane", "survey", "edge"),
    *("route_table", "route_answer", "route_making", "filter_making", "session_making"),
    *("tap", "backend_tap", "cli", "command", "demo", "lifecycle", "reload", "rebalancing"),
}
"""What joins the parts; nothing but these, and what proves it all, may import them."""

MAY_IMPORT: dict[str, set[str]] = {
    "values": set(),
    "hints": set(),
    "errors": set(),
    "explanations": set(),
    "interfaces": {"values", "explanations"},
    "clocks": set(),
    "http1": {"interfaces"},
    "networks": set(),
    "proxy_protocol": {"networks"},
    "tls": {"errors", "http1"},
    "upstream": {"http1", "networks", "values", "errors", "proxy_protocol", "tls"},
    "balancing": {"values", "errors", "hints", "explanations", "interfaces", "probing"},
    "probing": {"values", "hints", "interfaces", "upstream"},
    "filters": {"errors", "http1"},
    "routing": {"values", "errors", "explanations", "interfaces", "http1", "metrics", "upstream", "probing"},
    "hooks": {"values", "errors", "interfaces", "http1"},
    "checks": {"errors", "http1", "config", "tls"},
    "registry": {"values", "errors", "interfaces", "clocks", "config", "tls"},
    "simulation": {"values", "errors", "interfaces", "balancing", "probing", "agent"},
}
"""What each of the lower packages, and the simulation, may import of the others, itself aside."""

MAY_NOT_IMPORT: dict[str, set[str]] = {
    "balancing": {"upstream", "frontend", "forwarding", "routing"},
    "forwarding": {"frontend", "admin", "registry", "config"},
    "frontend": {"balancing", "routing", "registry", "admin", "config"},
    "health": {"frontend", "forwarding", "balancing", "registry", "admin", "config"},
    "agent": {
        *("frontend", "forwarding", "balancing", "upstream", "routing", "registry", "admin", "health", "hooks"),
        "sidecar",
    },
    # It stands before one upstream, so that there is nothing to choose, and nobody to admit.
    "sidecar": {"balancing", "registry", "admin", "health", "hooks"},
}

PURE_BALANCING_NEEDS = {"upstream", "frontend"}
"""What ``balancing`` may not reach through others either, so that a simulation runs it without a network."""


@cache
def imports(path: Path) -> list[str]:
    """Every module that *path* imports, wherever in it."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(module: str) -> str | None:
    """The package or module right under openprequal that *module* is of."""
    names = module.split(".")
    return names[1] if names[0] == "openprequal" and len(names) > 1 else None


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_parts(part: str) -> set[str]:
    """The parts of openprequal that a package or module right under it imports, itself aside."""
    files = [path for path in FILES if part_of(name_of(path)) == part]
    assert files, f"there is no {part}"
    parts = {part_of(module) for path in files for module in imports(path)}
    return {
        other
        for other in parts
        if other is not None and (PACKAGE / other).with_suffix(".py").exists() | (PACKAGE / other).is_dir()
    } - {part}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_lower_parts_import_only_what_is_below_them(part: str) -> None:
    assert imported_parts(part) <= MAY_IMPORT[part]


@pytest.mark.parametrize("part", MAY_NOT_IMPORT)
def test_parts_do_not_import_what_they_must_work_without(part: str) -> None:
    assert not imported_parts(part) & MAY_NOT_IMPORT[part]


def test_nothing_imports_what_joins_the_parts() -> None:
    proving = {"bench", "testing", "simulation"}
    parts = {part_of(name_of(path)) for path in FILES} - ASSEMBLY - proving - {None}
    for part in sorted(str(part) for part in parts):
        assert not imported_parts(part) & ASSEMBLY, part


def test_nothing_needs_what_proves_it() -> None:
    for part in {part_of(name_of(path)) for path in FILES} - {None, "bench", "testing", "simulation"}:
        assert not imported_parts(str(part)) & {"bench", "simulation"}, part


def test_plots_are_all_that_needs_a_library_for_plots() -> None:
    guilty = {name_of(path) for path in FILES if any(name.split(".")[0] == "matplotlib" for name in imports(path))}
    assert guilty == {"openprequal.simulation.plots", "openprequal.bench.tail.plots"}


def test_balancing_reaches_no_network_through_other_modules() -> None:
    known = {name_of(path): path for path in FILES}
    reached: set[str] = set()
    waiting = [name for name in known if part_of(name) == "balancing"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [module for module in imports(known[name]) if module in known]
    assert not {part_of(name) for name in reached} & PURE_BALANCING_NEEDS


def test_only_the_command_line_touches_the_global_reactor() -> None:
    guilty = {name_of(path) for path in FILES if "twisted.internet.reactor" in imports(path)}
    assert guilty <= {"openprequal.command", "openprequal.tap", "openprequal.backend_tap"}


def test_no_module_is_named_for_nothing() -> None:
    names = {path.stem for path in FILES} | {path.parent.name for path in FILES}
    assert not names & {"utils", "util", "helpers", "helper", "common", "core", "misc", "manager", "abstractions"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name_of(path)
        for path in FILES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_nothing_hides_the_plugins() -> None:
    plugins = ROOT / "twisted" / "plugins"
    assert plugins.is_dir()
    assert not (ROOT / "twisted" / "__init__.py").exists()
    assert not (plugins / "__init__.py").exists()


def test_nothing_prints() -> None:
    # The benchmark is a command of its own, and what it says goes to its terminal.
    for path in FILES:
        if path.is_relative_to(PACKAGE / "bench"):
            continue
        with path.open("rb") as source:
            names = {token.string for token in tokenize.tokenize(source.readline) if token.type == tokenize.NAME}
        assert "print" not in names, path
