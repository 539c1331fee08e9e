"""Which backend is this process part of? One, however many parts of its application are wrapped."""

import atexit
import logging
import os

from openprequal.agent.workers.process import BackendProcess
from openprequal.config.loading import from_program
from openprequal.config.middleware import MiddlewareSettings
from openprequal.errors import ConfigurationError

_log = logging.getLogger("openprequal.agent")

_here: BackendProcess | None = None
_as: dict[str, object] = {}


def backend_process(of_workers: bool = False, **settings: object) -> BackendProcess:
    """This process's part in its backend; made at the first call, and started.

    Never raises: what is wrong with the settings is logged, and the application served all the same.

    :param of_workers: the server has workers that may all be busy, and replaces one that ends without a signal: probes
        are answered on a port of their own (``probe_port``) unless the settings say otherwise.
    :param settings: :class:`~openprequal.config.middleware.MiddlewareSettings` by name, before the environment.
    """
    global _here, _as
    if _here is None:
        _here, _as = BackendProcess(_checked(settings, of_workers)), settings
        os.register_at_fork(after_in_parent=_here.forked_here, after_in_child=_here.born)
        atexit.register(_here.leave, wait=True, silently=of_workers)
        _here.start()
    elif settings != _as:
        _log.error("one process is one backend, and this one is so already with other settings, which stay in force")
    return _here


def _checked(settings: dict[str, object], of_workers: bool) -> MiddlewareSettings | None:
    try:
        checked = from_program(MiddlewareSettings, settings, os.environ)
    except ConfigurationError as error:
        _log.error("not registering with the gateway: %s", error)
        return None
    if of_workers and "probe_port" not in checked.model_fields_set:
        return checked.model_copy(update={"probe_port": 0})
    return checked
