"""What both twistd commands do before their service exists: settings, one-line failures, own pidfile and log names."""

import os
import re
import sys
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString
from twisted.python import usage

from openprequal.config.endpoints import under_tls
from openprequal.config.flags import SettingsOptions
from openprequal.config.loading import load
from openprequal.config.sources import CONFIG_VARIABLE
from openprequal.errors import ConfigurationError
from openprequal.reactor import install as install_reactor
from openprequal.restart.inheritance import Inheritance


class CommandOptions(SettingsOptions):
    """The options of one command; parsed, :attr:`settings` holds them merged with environment and file.

    Whatever is wrong ends the process with one line on stderr and status 1. (``usage.UsageError`` would have twistd
    print the whole help first.)
    """

    role: ClassVar[str]
    """First word of every line to the user, and of the names of pidfile and log."""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as error:
            raise SystemExit(f"{self.role}: {error}; see --help") from None

    def postOptions(self) -> None:
        install_reactor()
        # Users keep hooks and balancers where they start the command; twistd does not put that on the path. Absolute,
        # because a daemon may change its directory.
        directory = os.getcwd()
        if directory not in sys.path:
            sys.path.insert(0, directory)
        file = self["config"] or os.environ.get(CONFIG_VARIABLE)
        self.directory = directory
        self.inheritance = Inheritance.taken_from(os.environ)
        self._config = os.path.join(directory, file) if file else None
        try:
            self.settings = load(self.model, self.given, os.environ, self["config"])
        except ConfigurationError as error:
            raise SystemExit(f"{self.role}: {error}") from None
        if isinstance(self.parent, MutableMapping):
            own_files(self.parent, f"{self.role}-{place(self.settings.listen, self.settings.port)}")  # type: ignore[attr-defined]
            if self.inheritance is not None:
                _forget_pid(self.parent["pidfile"], self.inheritance.pid)

    def reread_settings(self) -> Any:
        """The settings as flags, environment and file say now; the file may say something else than at the start.

        :raises ConfigurationError: one line that names what is wrong.
        """
        return load(self.model, self.given, os.environ, self._config)


def place(listen: Sequence[str], port: int) -> str:
    """What tells two processes of one role apart in a file name: the port, or what the first endpoint says."""
    return re.sub(r"[^A-Za-z0-9]+", "-", listen[0]).strip("-") if listen else str(port)


def own_files(twistd: MutableMapping[str, Any], name: str) -> None:
    """Name pidfile and log file after *name*, unless the user chose them.

    twistd checks ``twistd.pid`` even with ``-n``, so that two commands in one directory would collide; and it reads
    these names only after the command's own options are parsed.
    """
    if twistd["pidfile"] == "twistd.pid":
        twistd["pidfile"] = f"{name}.pid"
        # In a container every start has the same pid: one left behind by a kill is ours, not another's.
        _forget_pid(twistd["pidfile"], os.getpid())
    if not (twistd["nodaemon"] or twistd["logfile"] or twistd["syslog"] or twistd["logger"]):
        twistd["logfile"] = f"{name}.log"


def _forget_pid(pidfile: str, pid: int) -> None:
    """Remove *pidfile* if it holds *pid*: else twistd takes it for another instance."""
    try:
        with open(pidfile) as file:
            stale = file.read().strip() == str(pid)
    except OSError:
        return
    if stale:
        os.remove(pidfile)


def make_service(options: CommandOptions, build: Callable[[Any, Any], IService]) -> IService:
    """The service *build* makes of (reactor, settings); with ``--check`` the process ends here, in success.

    :raises SystemExit: a setting names what cannot be used; or ``--check``.
    """
    from twisted.internet import reactor

    try:
        service = build(reactor, options.settings)
        if options["check"]:
            # Only who has certificates to show understands ``tls:``.
            socket_of = under_tls if getattr(options.settings, "tls_certificate", ()) else lambda _: None
            _check_endpoints(reactor, [socket_of(each) or each for each in options.settings.endpoints])  # type: ignore[attr-defined]
    except ConfigurationError as error:
        raise SystemExit(f"{options.role}: {error}") from None
    if options["check"]:
        for doubt in getattr(service, "doubts", ()):
            sys.stdout.write(f"{options.role}: warning: {doubt}\n")
        sys.stdout.write(f"{options.role}: settings are ok\n")
        raise SystemExit(0)
    return service


def _check_endpoints(reactor: Any, descriptions: Sequence[str]) -> None:
    for description in descriptions:
        try:
            serverFromString(reactor, description)
        except Exception as error:  # plug-ins' parsers raise whatever they like
            raise ConfigurationError(f"listen: {description!r} is no endpoint: {error}") from None
