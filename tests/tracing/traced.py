"""A network whose requests are traced."""

from random import Random
from typing import Any

from forwarding.attempts import Attempts
from forwarding.messages import GET, OK

from openprequal.forwarding.journey import Journey
from openprequal.http1.fields import parse_fields
from openprequal.tracing.trace import Trace
from openprequal.tracing.trace_context import TraceContext, trace_context
from openprequal.tracing.tracer import Tracer

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


def asking(*lines: bytes) -> bytes:
    return GET[:-2] + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


class Case(Attempts):
    """A network whose requests are traced."""

    def __init__(self, backends: int = 2, *, believed: bool = True, ratio: float = 1.0, **network: Any) -> None:
        self.told: list[tuple[Journey, Trace]] = []
        tracer = Tracer(
            lambda client: believed, ratio, Random(1).getrandbits, lambda *recorded: self.told.append(recorded)
        )
        super().__init__(backends, witnesses=(tracer,), traced=True, **network)

    def ask(self, *lines: bytes) -> TraceContext:
        """One request that is answered; what its backend was told of the trace."""
        self.client.send(asking(*lines))
        self.at(0).answer(OK)
        return self.told_to(0)

    def told_to(self, number: int) -> TraceContext:
        block = self.at(number).received.partition(b"\r\n\r\n")[0]
        context = trace_context(parse_fields(block.split(b"\r\n")[1:]))
        assert context is not None
        return context
