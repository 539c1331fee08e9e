"""The libraries that checks need, which are installed with the ``auth`` extra only."""

from importlib import import_module
from typing import Any

from openprequal.errors import ConfigurationError


def library(module: str, where: str) -> Any:
    """The module of that name.

    :param where: the setting that needs it, for the error.
    :raises ConfigurationError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ConfigurationError(f"{where}: needs {module}: pip install 'openprequal[auth]'") from None
