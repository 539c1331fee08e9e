"""Which service does a request go to? One for all, until routes are configured."""

from openprequal.interfaces import IRequest
from openprequal.routing.service import Service


class Router:
    """Maps a request to its service."""

    def __init__(self, default: Service) -> None:
        self._default = default

    def route(self, request: IRequest) -> Service:
        """The service *request* belongs to. Immediate."""
        return self._default
