"""What can be wrong with a message on the wire, whichever side sent it."""


class MalformedMessage(Exception):
    """Not HTTP/1.x, or two parsers could read it differently: the connection cannot be used any further."""


class UnknownTransferCoding(MalformedMessage):
    """Framed by a transfer coding other than ``chunked`` (RFC 9112 section 6.1: 501 for a request)."""


class UnsupportedVersion(MalformedMessage):
    """A well-formed version other than HTTP/1.0 and HTTP/1.1."""


class FieldsTooLarge(MalformedMessage):
    """More fields or bytes in a header or trailer section than the limit."""
