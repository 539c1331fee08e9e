"""Tells twistd of the two commands. This directory must have no ``__init__.py``, or they vanish silently."""

from twisted.application.service import ServiceMaker

openprequal = ServiceMaker("OpenPrequal", "openprequal.tap", "HTTP gateway and load balancer", "openprequal")
openprequal_backend = ServiceMaker(
    "OpenPrequal backend", "openprequal.backend_tap", "Sidecar of a service, or example backend", "openprequal-backend"
)
