"""What is another server told of a request that it is to judge? As Traefik's ``forwardAuth`` tells it."""

from openprequal.forwarding.request_head import RequestRules, forwarded_lines
from openprequal.http1.request import RequestHead
from openprequal.routing.normal_path import normal_path


def told_of(request: RequestHead, rules: RequestRules) -> list[tuple[bytes, bytes]] | None:
    """``X-Forwarded-*``: the client, scheme and host as a backend would get them, the method, and the URI.

    The path is the normal one, which routes go by: whoever judges ``/public/../admin`` must not see it begin with
    ``/public/``.

    :return: None: servers could differ in what the path names.
    """
    path = normal_path(request.path)
    if path is None:
        return None
    lines = forwarded_lines(request, rules).split(b"\r\n")[:-1]
    fields = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    target = path + request.target[len(request.path) :]
    return [*fields, (b"X-Forwarded-Method", request.method), (b"X-Forwarded-Uri", target)]
