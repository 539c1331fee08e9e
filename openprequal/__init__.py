"""OpenPrequal: an HTTP gateway that sends each request to the backend that will answer soonest now.

The packages in the order of a request::

    http1/        HTTP/1.1 messages as bytes: heads, framing, chunked coding (both sides use it)
    frontend/     client connections: limits, keep-alive, which paths are our own
    routing/      request -> service (a named set of backends)
    forwarding/   one client request's life: header rules, retry, failure -> status, settle
    balancing/    which backend: the balancers
    probing/      what is known of the backends' load: probe pool, prober, report formats
    upstream/     kept-alive connections to backends

Beside it: registry/ (who exists), health/ (who may be picked), hooks/, metrics/, admin/, agent/ (what runs at a
backend), config/; between sockets and all this: tls/, proxy_protocol/. Everything is put together in assembly.py;
docs/architecture.md has the picture.
"""

__version__ = "0.1.0"
