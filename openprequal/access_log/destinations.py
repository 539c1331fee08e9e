"""Where does a text say that lines go?"""

from typing import Final

from openprequal.access_log.file_sink import STDOUT, DescriptorSink, FileSink
from openprequal.access_log.syslog import SyslogSink
from openprequal.access_log.writer import Sink

STDOUT_NAME: Final = "stdout"
SYSLOG_PREFIX: Final = "syslog:"


def sink_of(destination: str) -> Sink:
    """``stdout``, ``syslog:`` and an address, or the path of a file.

    :raises ConfigurationError: it cannot be written.
    """
    if destination == STDOUT_NAME:
        return DescriptorSink(STDOUT)
    if destination.startswith(SYSLOG_PREFIX):
        return SyslogSink(destination.removeprefix(SYSLOG_PREFIX))
    return FileSink(destination)
