"""Which filters do the settings put between the exchanges of a route and its clients?"""

from openprequal.config.compression import CompressionSettings
from openprequal.config.cors import ANY, DEFAULT_CORS, NO_CORS, CorsSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.routes import RouteSettings
from openprequal.filters.codings import coders
from openprequal.filters.compression import CONTENT_TYPES, CompressionRules, Places
from openprequal.filters.cors import CorsRules


class FilterRules:
    """What the routes share, made of one reading of the settings."""

    def __init__(self, settings: GatewaySettings) -> None:
        """:raises ConfigurationError: a coding cannot be had."""
        self._compress = settings.compress
        wanted = settings.compress or any(route.compress for route in settings.routes)
        self._compression = _compression(settings.compression or CompressionSettings()) if wanted else None
        self._cors = {name: _cors(each) for name, each in settings.cors.items()}

    def compression(self, route: RouteSettings | None) -> CompressionRules | None:
        """How responses of *route* are compressed; None: not at all.

        :param route: None: the one for all.
        """
        own = route.compress if route is not None else None
        return self._compression if (self._compress if own is None else own) else None

    def cors(self, route: RouteSettings | None) -> CorsRules | None:
        """What other origins may do on *route*, which as before may be None; None: nothing is said of it."""
        name = (route.cors if route is not None else None) or DEFAULT_CORS
        return None if name == NO_CORS else self._cors.get(name)


def _compression(settings: CompressionSettings) -> CompressionRules:
    return CompressionRules(
        coders(settings.codings, {str(name): level for name, level in settings.levels.items()}),
        Places(settings.max_at_once),
        CONTENT_TYPES if settings.content_types is None else settings.content_types,
        settings.min_bytes,
        settings.spare_secrets,
    )


def _cors(settings: CorsSettings) -> CorsRules:
    named = [origin for origin in settings.allow_origins if origin != ANY]
    wild = [origin.encode("ascii").partition(b"*") for origin in named if "*" in origin]
    return CorsRules(
        origins=frozenset(origin.encode("ascii") for origin in named if "*" not in origin),
        suffixes=tuple((scheme, suffix) for scheme, _, suffix in wild),
        everybody=ANY in settings.allow_origins,
        methods=settings.allow_methods,
        headers=settings.allow_headers,
        expose=settings.expose_headers,
        credentials=settings.allow_credentials,
        max_age_s=settings.max_age_seconds,
        keep_backends=settings.backend_headers == "keep",
    )
