"""X-Request-Id for requests that bring none: unique and cheap."""

from itertools import count
from random import Random


class RequestIds:
    """Call it for the next field line: a random prefix of this process and a running number."""

    def __init__(self, rng: Random) -> None:
        self._prefix = b"X-Request-Id: %016x-" % rng.getrandbits(64)
        self._numbers = count(1)

    def __call__(self) -> bytes:
        return self._prefix + b"%x\r\n" % next(self._numbers)
