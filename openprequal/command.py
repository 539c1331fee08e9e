"""What both twistd commands do before their service exists: settings, what is wrong with them, own pidfile and log."""

import os
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, ClassVar, NoReturn

from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString
from twisted.python import usage

from openprequal.config.endpoints import under_tls
from openprequal.config.flags import SettingsOptions
from openprequal.config.loading import load, one_line_each, read
from openprequal.config.sources import CONFIG_VARIABLE
from openprequal.errors import ConfigurationError, suggestion
from openprequal.reactor import install as install_reactor
from openprequal.restart.inheritance import Inheritance
from openprequal.workers.place import Place, become_worker


class CommandOptions(SettingsOptions):
    """The options of one command; parsed, :attr:`settings` holds them merged with environment and file.

    Whatever is wrong ends the process with a line for each mistake on stderr and status 1. (``usage.UsageError`` would
    have twistd print the whole help first.)
    """

    role: ClassVar[str]
    """First word of every line to the user, and of the names of pidfile and log."""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as error:
            raise SystemExit(f"{self.role}: {error}{self._meant(str(error))}; see --help") from None

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
        self.place = Place.taken_from(os.environ)
        self._config = os.path.join(directory, file) if file else None
        self.reading = read(self.model, self.given, os.environ, self["config"])
        if self.reading.mistakes or self.reading.settings is None:
            self.give_up()
        settings: Any = self.reading.settings
        self.settings = settings
        if isinstance(self.parent, MutableMapping):
            if self["check"]:
                # What runs with the same settings is not to be disturbed, nor to be taken for this process.
                self.parent["pidfile"] = ""
            if self.place is not None:
                become_worker(self.parent)
                return
            own_files(self.parent, f"{self.role}-{place(settings.listen, settings.port)}")
            if self.inheritance is not None:
                _forget_pid(self.parent["pidfile"], self.inheritance.pid)

    def objections(self, reactor: Any, settings: Any) -> Iterator[ConfigurationError]:
        """What *settings* name that cannot be used."""
        # Only who has certificates to show understands ``tls:``.
        socket_of = under_tls if getattr(settings, "tls_certificate", ()) else lambda _: None
        for name in ("listen", "admin_listen"):
            for description in getattr(settings, name, ()):
                try:
                    serverFromString(reactor, socket_of(description) or description)
                except Exception as error:  # plug-ins' parsers raise whatever they like
                    yield ConfigurationError(f"{description!r} is no endpoint: {error}", about=(name,))

    def give_up(self, error: ConfigurationError | None = None) -> NoReturn:
        """End the process with all that is wrong.

        :param error: by which it showed that something is, after the settings were read.
        :raises SystemExit: always.
        """
        from twisted.internet import reactor

        mistakes = list(self.reading.mistakes)
        if self.reading.settings is not None:
            found = map(self.reading.mistake, self.objections(reactor, self.reading.settings))
            mistakes += [mistake for mistake in found if mistake is not None]
        lines = one_line_each(mistakes).splitlines() if mistakes else error.lines if error is not None else []
        if len(lines) > 1:
            lines.append(f"{len(lines)} mistakes")
        raise SystemExit("\n".join(f"{self.role}: {line}" for line in lines))

    def _meant(self, complaint: str) -> str:
        """What was meant, perhaps, by the flag that getopt does not know."""
        unknown = re.match(r"option (--\S+) not recognized", complaint)
        return suggestion(unknown[1], [f"--{name.rstrip('=')}" for name in self.longOpt]) if unknown else ""

    def reread_settings(self) -> Any:
        """The settings as flags, environment and file say now; the file may say something else than at the start.

        :raises ConfigurationError: a line for each mistake.
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
            for error in options.objections(reactor, options.settings):
                raise error
    except ConfigurationError as error:
        options.give_up(error)
    if options["check"]:
        for doubt in getattr(service, "doubts", ()):
            sys.stdout.write(f"{options.role}: warning: {doubt}\n")
        sys.stdout.write(f"{options.role}: settings are ok: {options.settings.summary}\n")
        raise SystemExit(0)
    return service
