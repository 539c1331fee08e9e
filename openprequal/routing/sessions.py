"""Which backend does a session belong to? What a sticky service asks, however sessions are told apart."""

from typing import Protocol

from openprequal.http1.fields import Field
from openprequal.interfaces import IRequest


class Sessions(Protocol):
    """Knows the sessions of one service. All methods are immediate."""

    def joined(self, backend_id: str) -> None:
        """A backend is there that sessions may belong to."""

    def left(self, backend_id: str) -> None:
        """It is there no more."""

    def backend_of(self, request: IRequest) -> str | None:
        """Id of the backend that the session of *request* belongs to; None: it has none, or none that counts."""

    def peek(self, request: IRequest) -> str | None:
        """As :meth:`backend_of`, by somebody who only wants to know: it does not count as a use of the session."""

    def placed(self, request: IRequest, backend_id: str) -> None:
        """The balancer has chosen a backend for a session that has none that it could go to."""

    def answered(self, request: IRequest, backend_id: str, *, secure: bool) -> tuple[Field, ...]:
        """A backend answers: from now on the session is its.

        :param secure: the client came by TLS.
        :return: fields that the response gets.
        """
