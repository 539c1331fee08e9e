"""The settings of the middlewares: how does a Python application behind the gateway join it?"""

from collections.abc import Iterator

from openprequal.config.joining import GROUP, JoiningSettings, whether_to_register
from openprequal.config.schema import Conflict, setting


class MiddlewareSettings(JoiningSettings):
    """What ``OpenPrequal(app, …)`` and ``wrap(resource, …)`` can be told, by keyword or by the environment."""

    register: bool = whether_to_register()
    port: int | None = setting(
        None,
        "Port that the application's server listens on; needed unless backend_url is given.",
        group=GROUP,
        env="BACKEND_PORT",
        ge=1,
        le=65535,
    )
    probe_port: int | None = setting(
        None,
        "Port on which a thread answers probes; 0, and for WSGI unless set: any free one; none: probes go to the"
        " health path.",
        group=GROUP,
        env="BACKEND_PROBE_PORT",
        ge=0,
        le=65535,
    )
    run_folder: str | None = setting(
        None,
        "Folder in which the processes of one application find each other; none: in the system's temporary one.",
        group=GROUP,
        env="BACKEND_RUN_FOLDER",
    )

    def conflicts(self) -> Iterator[Conflict]:
        """What does not fit together."""
        if self.register and self.port is None and self.backend_url is None:
            yield Conflict(
                "the gateway cannot be told where this application listens:"
                " set port= or BACKEND_PORT, or backend_url= or BACKEND_URL",
                (("port",), ("backend_url",), ("register",)),
            )

    @property
    def announced_url(self) -> str | None:
        """The URL to register; None: find out the address from which the (remote) gateway is reached."""
        return self.url_to_announce(self.port)
