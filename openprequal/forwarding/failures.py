"""Which error a failure at the backends becomes (RFC 9110 section 15.6)."""

from twisted.internet.error import TimeoutError as ConnectTimedOut

from openprequal.errors import BackendTimeout, BadGateway, GatewayError, NoBackend, ServiceBusy


def nothing_picked(*, service: str, saturated: bool, last_failure: GatewayError | None) -> GatewayError:
    """The balancer had nobody (left) for the request.

    :param last_failure: what the last attempt failed of, if any was made.
    """
    if last_failure is not None:
        return last_failure
    if saturated:
        return ServiceBusy(f"every backend of {service} is at its limit and the queue is full")
    return NoBackend(f"no backend of {service} may be picked")


def connect_failed(reason: Exception) -> GatewayError:
    """No backend accepted a connection: 504 if the last one did not answer in time, else 502."""
    if isinstance(reason, ConnectTimedOut):
        return BackendTimeout(f"connect: {reason}")
    return BadGateway(f"connect: {reason}")


def response_broken(reason: Exception) -> GatewayError:
    """The connection ended, or stopped being HTTP, before a response head."""
    return BadGateway(f"no response head: {reason}")
