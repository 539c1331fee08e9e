"""How do responses say that pages of other origins may use them? Who may is said in ``filters/cors.py``."""

from collections.abc import Sequence

from openprequal.errors import GatewayError
from openprequal.filters.cors import CorsRules
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.passing import Passing
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead


class CrossOrigin(Passing):
    """Adds to the response to one request what a browser asks for, ours of an error too: else a page that may know
    could not tell it from a broken connection.
    """

    __slots__ = ("_request", "_rules")

    def __init__(self, client: Downstream, rules: CorsRules, request: RequestHead) -> None:
        super().__init__(client)
        self._rules = rules
        self._request = request

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        self._client.respond(status, reason, self._rules.head(self._request, section), length, chunk, ended)

    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        return self._client.respond_error(error, self._rules.head(self._request, FieldSection([*more])).fields)
