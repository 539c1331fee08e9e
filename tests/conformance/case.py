"""What one conformance case is: what the two ends send, what each must see, and the section that asks for it."""

from enum import Enum

from attrs import frozen

HOST = b"Host: a.example"
PSEUDONYM = b"@PSEUDONYM@"
"""Replaced in what the client sends by the name under which the tested gateway appears in Via."""
SILENCE = 0
"""Stands among the allowed statuses for: closed without an answer."""


class Act(Enum):
    """A step of a script that is not bytes to be sent."""

    BODY = "backend: go on when the whole request has arrived"
    GATE = "backend: go on when the client has passed its OPEN"
    OPEN = "client: let the backend pass its GATE"
    SEEN = "client: go on when the backend has a request's head"
    SHUT = "client: close the sending half"
    CLOSE = "either: close"
    RESET = "backend: close with a reset"
    ECHO = "backend: from here on send back whatever comes"


@frozen
class Hears:
    """Client: go on when these bytes have come."""

    text: bytes


class Ends(Enum):
    """What must have become of the client's connection after the last answer."""

    CLOSED = "closed"
    OPEN = "open"
    ANY = "any"


Step = bytes | Act | Hears
Script = tuple[Step, ...]


@frozen
class Look:
    """What must hold of one message's fields and body, at whichever end it is seen."""

    has: tuple[bytes, ...] = ()
    """``name: value`` lines; of each name here, exactly these values in this order and no others. Case of the name is
    ignored."""
    lacks: tuple[bytes, ...] = ()
    """Names that must not be there."""
    verbatim: tuple[bytes, ...] = ()
    """Lines that must be there in this case and order (space around the value apart)."""
    joined: tuple[tuple[bytes, bytes], ...] = ()
    """(name, pattern): the values of that name, joined with ``, ``, match the whole pattern."""
    body: bytes | None = None
    """The decoded body; None: whatever."""
    trailers: tuple[bytes, ...] | None = None
    """``name: value`` lines after the last chunk, names in any case; None: whatever."""
    raw_lacks: bytes | None = None
    """Bytes that must not be anywhere in the message as it came."""


@frozen
class Answer:
    """A final response the client must get."""

    status: tuple[int, ...]
    look: Look = Look()
    complete: bool = True
    """False: it must be seen to be cut off (asked only of a status under 500)."""
    interim: tuple[int, ...] | None = None
    """Statuses of the 1xx responses before it; None: whatever."""
    to_head: bool = False
    """It answers HEAD: no body follows."""
    framing: tuple[str, ...] | None = None
    """How its body may be delimited: length, chunked, close, none; None: whatever."""


@frozen
class Seen:
    """A request the backend must see."""

    line: bytes | None = None
    look: Look = Look()
    complete: bool = True
    optional: bool = False
    """Need not come; but if it does, then like this."""


@frozen
class Case:
    """One case; see the topic modules for examples."""

    name: str
    section: str
    sent: Script
    answers: tuple[Answer, ...]
    ends: Ends = Ends.ANY
    replies: tuple[Script, ...] = ()
    """What the backend does with its first, second … request; the last goes on for all that follow."""
    seen: tuple[Seen, ...] | None = None
    """The requests at the backend, all of them; (): not one byte; None: whatever."""
    tunnelled: bytes | None = None
    """Bytes that must follow the last answer (after 101)."""
    abandoned: bool = False
    """The backend must find its connection closed while it still waits in its script."""
