"""What are the request, response and path hooks handed, and may what they left behind be sent?

A hook's mistake must not become a message that the next server reads differently from us: whatever a hook changed is
checked before it is sent, and framing (RFC 9112 section 6) stays what it was. What it did not touch is not judged.
"""

import re
from typing import Final

from zope.interface import implementer

from openprequal.errors import HookFailed
from openprequal.http1.fields import TOKEN
from openprequal.interfaces import HookAnswer, IHookRequest, IHookResponse
from openprequal.values import Backend

Fields = list[tuple[bytes, bytes]]

_NAME: Final = re.compile(TOKEN)
# RFC 9110 section 5.5: CR, LF and NUL are the dangerous ones; no other control character but HTAB is sent either.
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET: Final = re.compile(rb"/[\x21-\x7e\x80-\xff]*")
_FRAMING: Final = frozenset(
    b"connection content-length keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)
_WITHOUT_CONTENT: Final = (204, 304)


@implementer(IHookRequest)
class HookRequest:
    """The request as it will be sent to the backend, in the request hook's hands."""

    __slots__ = ("_framing", "_method", "_target", "client", "fields", "target")

    def __init__(self, method: bytes, target: bytes, fields: Fields, client: str) -> None:
        """*fields* is changed in place by the hook: hand over a list of your own."""
        self._method = method
        self._target = target
        self._framing = _framing_of(fields)
        self.target = target
        self.fields = fields
        self.client = client

    @property
    def method(self) -> bytes:
        return self._method

    def check(self, result: object = None) -> None:
        """Judge what the hook left behind; the ``check`` of :func:`openprequal.hooks.calling.call`.

        :param result: what the hook returned, which means nothing.

        :raises HookFailed: the target or a field may not be sent, or the framing was touched.
        """
        if self.target != self._target:
            _check_target(self.target, self._method)
        _check_fields(self.fields, self._framing)


@implementer(IHookResponse)
class HookResponse:
    """The response head as it will be sent to the client, in the response hook's hands."""

    __slots__ = ("_backend", "_framing", "_status", "fields", "status")

    def __init__(self, status: int, fields: Fields, backend: Backend) -> None:
        """*fields* is changed in place by the hook: hand over a list of your own."""
        self._status = status
        self._framing = _framing_of(fields)
        self._backend = backend
        self.status = status
        self.fields = fields

    @property
    def backend(self) -> Backend:
        return self._backend

    def check(self, result: object = None) -> None:
        """Judge what the hook left behind; the ``check`` of :func:`openprequal.hooks.calling.call`.

        :param result: what the hook returned, which means nothing.

        :raises HookFailed: the status or a field may not be sent, or the framing was touched; a status that has no
            content (204, 304) can neither be set nor be taken away, for it decides the framing (RFC 9112 section 6.3).
        """
        status = self.status
        if status != self._status:
            if type(status) is not int or not 200 <= status <= 599:
                raise HookFailed(f"the response hook set status {status!r}; allowed: 200 to 599")
            if (status in _WITHOUT_CONTENT) != (self._status in _WITHOUT_CONTENT):
                raise HookFailed(f"the response hook changed status {self._status} to {status}, which changes framing")
        _check_fields(self.fields, self._framing)


def check_answer(answer: HookAnswer) -> None:
    """Judge what a hook would answer the client with.

    :raises HookFailed: the status or a field may not be sent, or a field would frame the message.
    """
    if type(answer.status) is not int or not 200 <= answer.status <= 599:
        raise HookFailed(f"the request hook answered with status {answer.status!r}; allowed: 200 to 599")
    _check_fields([*answer.fields, (b"Content-Type", answer.content_type)], [])


def path_for_hook(path: bytes) -> str:
    """*path* as the path hook is handed it; :func:`rewritten_path` gives back the same bytes."""
    return path.decode("utf-8", "surrogateescape")


def rewritten_path(result: object) -> bytes:
    """The path to ask the backend for, from what the path hook returned.

    :raises HookFailed: not a str, does not start with ``/``, or holds a space, a control character, ``?`` or ``#``.
    """
    if not isinstance(result, str):
        raise HookFailed(f"the path hook returned {type(result).__name__}, not str")
    try:
        path = result.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise HookFailed("the path hook returned a path that is not Unicode text") from None
    if not _TARGET.fullmatch(path) or b"?" in path or b"#" in path:
        raise HookFailed(f"the path hook returned {result[:80]!r}, which is no path")
    return path


def _check_target(target: object, method: bytes) -> None:
    if target == b"*" and method == b"OPTIONS":  # RFC 9112 section 3.2.4
        return
    if not isinstance(target, bytes) or not _TARGET.fullmatch(target) or b"#" in target:
        raise HookFailed(f"the request hook set target {target!r:.80}; it starts with / and holds no space or control")


def _check_fields(fields: object, framing: Fields) -> None:
    if not isinstance(fields, list):
        raise HookFailed(f"the hook put {type(fields).__name__} in place of the list of fields")
    for entry in fields:
        match entry:
            case (bytes() as name, bytes() as value) if _NAME.fullmatch(name) and _VALUE.fullmatch(value):
                continue
        raise HookFailed(f"the hook left a field that cannot be sent: {entry!r:.80}")
    if _framing_of(fields) != framing:
        raise HookFailed("the hook changed a field that decides the framing of the message")


def _framing_of(fields: Fields) -> Fields:
    return [(key, value) for name, value in fields if (key := name.lower()) in _FRAMING]
