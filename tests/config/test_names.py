"""Classes and hooks by short name and by dotted path."""

from pathlib import Path

import pytest
from zope.interface import Interface, implementer

from openprequal.config.names import resolve
from openprequal.errors import ConfigurationError


class IThing(Interface):
    """Something."""


@implementer(IThing)
class Thing:
    """One."""


CATALOGUE = {"round_robin": Thing, "prequal": object, "memory": dict}


def complaint(name: str, **kwargs) -> str:
    with pytest.raises(ConfigurationError) as raised:
        resolve(name, "LOAD_BALANCER_CLASS", CATALOGUE, **kwargs)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    return write


@pytest.mark.parametrize("name", ["round_robin", "RoundRobin", "round-robin", "ROUNDROBIN"])
def test_a_short_name_is_found_however_it_is_written(name: str) -> None:
    assert resolve(name, "x", CATALOGUE) is Thing


def test_the_earlier_programs_names_still_mean_the_defaults() -> None:
    assert resolve("algorithms.prequal_load_balancer.PrequalLoadBalancer", "x", CATALOGUE) is object
    assert resolve("core.backend_registry.BackendRegistry", "x", CATALOGUE) is dict


def test_a_dotted_path_is_imported(module) -> None:
    module("my_names", "class Mine:\n    class Inner: pass\n")
    assert resolve("my_names.Mine", "x").__name__ == "Mine"
    assert resolve("my_names:Mine.Inner", "x").__name__ == "Inner"


def test_an_unknown_short_name_is_answered_with_those_there_are() -> None:
    line = complaint("RoundRobbin")
    assert line == (
        "LOAD_BALANCER_CLASS: 'RoundRobbin' is not known: must be round_robin, prequal, memory or a dotted path;"
        " did you mean round_robin?"
    )


def test_a_module_that_does_not_exist_is_named() -> None:
    assert "module 'no_such.module' cannot be imported: ModuleNotFoundError" in complaint("no_such.module.Thing")


def test_a_module_that_fails_is_named_with_its_cause(module) -> None:
    module("my_broken", "raise RuntimeError('two\\nlines')")
    line = complaint("my_broken.Thing")
    assert line == "LOAD_BALANCER_CLASS: module 'my_broken' cannot be imported: RuntimeError: two lines"


def test_an_attribute_that_does_not_exist_is_named_with_the_nearest(module) -> None:
    module("my_typo", "class Balancer: pass")
    assert complaint("my_typo.Balancr").endswith("there is no 'Balancr' in my_typo; did you mean Balancer?")


def test_what_cannot_be_called_is_refused(module) -> None:
    module("my_value", "THING = 3")
    assert "must be a class or function" in complaint("my_value.THING")


def test_a_class_of_another_kind_is_refused(module) -> None:
    module("my_kind", "class Mine: pass\ndef make(context): pass\n")
    assert "@implementer(IThing)" in complaint("my_kind.Mine", interface=IThing)
    assert resolve("my_kind.make", "x", interface=IThing).__name__ == "make"


@pytest.mark.parametrize("name", [".", ":", "a.", ".a", "a:", ":a", "..", "a..b", "a b.c"])
def test_a_name_that_is_no_path_is_refused(name: str) -> None:
    assert complaint(name).startswith("LOAD_BALANCER_CLASS: ")
