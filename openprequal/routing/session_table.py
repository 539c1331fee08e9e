"""Sessions by a header or the client's address: a bounded table of who belongs where."""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from secrets import token_bytes

from openprequal.http1.fields import Field
from openprequal.interfaces import IRequest


class SessionTable:
    """Sessions that this gateway remembers, since clients cannot: each from its first request on.

    The balancer places them, which no hash of the same key would; the price is that the next gateway, or the next
    process, knows nothing of them. Who has several and can do without the load rule takes ``ring_hash`` or ``maglev``.

    The least recently used goes where the table is full, and each after *idle_s* without a request.
    """

    def __init__(
        self, header: bytes | None, now: Callable[[], float], *, idle_s: float, most: int, salt: bytes | None = None
    ) -> None:
        """
        :param header: lower-case name of the field that tells sessions apart; without it a request is no session's.
            None: the client's address does.
        :param salt: what makes it hard to find two keys that are taken for one; None: drawn.
        """
        self._header = header
        self._now = now
        self._idle_s = idle_s
        self._most = most
        self._salt = token_bytes(16) if salt is None else salt
        self._sessions: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def joined(self, backend_id: str) -> None:
        """Whatever is said of it in the table counts again."""

    def left(self, backend_id: str) -> None:
        """Its sessions move when they ask: looking for them all would take long."""

    def backend_of(self, request: IRequest) -> str | None:
        key = self._key(request)
        found = self._sessions.get(key) if key is not None else None
        if key is None or found is None:
            return None
        backend_id, used_at = found
        now = self._now()
        if now - used_at > self._idle_s:
            del self._sessions[key]
            return None
        self._sessions[key] = backend_id, now
        self._sessions.move_to_end(key)
        return backend_id

    def peek(self, request: IRequest) -> str | None:
        key = self._key(request)
        backend_id, used_at = self._sessions.get(key, (None, 0.0)) if key is not None else (None, 0.0)
        return backend_id if self._now() - used_at <= self._idle_s else None

    def placed(self, request: IRequest, backend_id: str) -> None:
        key = self._key(request)
        if key is None:
            return
        self._sessions[key] = backend_id, self._now()
        self._sessions.move_to_end(key)
        if len(self._sessions) > self._most:
            self._sessions.popitem(last=False)

    def answered(self, request: IRequest, backend_id: str, *, secure: bool) -> tuple[Field, ...]:
        if self.backend_of(request) != backend_id:
            self.placed(request, backend_id)
        return ()

    def _key(self, request: IRequest) -> bytes | None:
        text = request.client.encode() if self._header is None else request.header(self._header)
        # Hashed: of bounded size, and what may be a secret is not kept.
        return blake2b(text, digest_size=16, key=self._salt).digest() if text else None
