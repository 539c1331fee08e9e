"""Which named sets of backends are there?"""

from openprequal.config.routes import RouteSettings
from openprequal.config.schema import ServiceName, Settings, setting
from openprequal.config.services import ServiceSettings

GROUP = "Services"


class ServicesSettings(Settings):
    """Settings under "Services"."""

    services: dict[ServiceName, ServiceSettings] = setting(
        {}, "Named sets of backends: a table for each.", group=GROUP, text=False
    )
    routes: tuple[RouteSettings, ...] = setting(
        (), "Which requests go where (docs/routes.md): a table for each, `[[routes]]`.", group=GROUP, text=False
    )
