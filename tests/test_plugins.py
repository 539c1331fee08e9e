"""twistd finds the commands."""

from pathlib import Path

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins

import openprequal


def test_twistd_lists_both_commands() -> None:
    names = {plugin.tapname for plugin in getPlugins(IServiceMaker)}
    assert {"openprequal", "openprequal-backend"} <= names


def test_the_plugins_directory_is_no_package() -> None:
    twisted = Path(openprequal.__file__).parent.parent / "twisted"
    assert not list(twisted.rglob("__init__.py")) or "site-packages" in str(twisted)


def test_the_commands_options_load() -> None:
    for plugin in getPlugins(IServiceMaker):
        if plugin.tapname.startswith("openprequal"):
            assert plugin.options().getUsage()
