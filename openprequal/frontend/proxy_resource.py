"""ProxyResource: the gateway as a resource for anybody's own ``twisted.web.server.Site``."""

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

from openprequal.errors import GatewayError
from openprequal.forwarding.accompanied import Witnesses, accompanied
from openprequal.forwarding.downstream import ClientExchange, Downstream
from openprequal.forwarding.error_pages import PLAIN, ErrorPages
from openprequal.forwarding.journey import Witness
from openprequal.frontend.client_connection import client_of
from openprequal.frontend.limits import Limits, refusal
from openprequal.frontend.local_answers import LocalAnswer, is_answered_here
from openprequal.frontend.reserved import is_reserved
from openprequal.frontend.site_client import SiteClient, read_head, request_line
from openprequal.http1.errors import MalformedMessage
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead, unread_request


class ProxyResource(Resource):
    """Proxies every request that reaches it, whatever is left of its path.

    What a Site takes away from a proxy is listed in ``docs/own-site.md``; ``GatewaySite`` has none of these limits.

    :ivar connections: those with a request under way; the idle ones are the Site's.
    """

    isLeaf = True

    def __init__(
        self,
        proxy: Callable[[Downstream, RequestHead], ClientExchange],
        admin: IResource | None,
        limits: Limits,
        *,
        clock: IReactorTime,
        date: Callable[[], Field],
        refused: Callable[[int], None],
        errors: ErrorPages = PLAIN,
        witnesses: Sequence[Witness] = (),
        explained: Callable[[Downstream, RequestHead], ClientExchange] | None = None,
    ) -> None:
        """
        :param admin: answers the reserved paths; None: they are proxied like all others.
        :param limits: those on heads and bodies count, where the Site's own are not stricter; times are the Site's.
        :param refused: told the status of each request refused before it had an exchange.
        :param witnesses: told of each request that *proxy* gets no word of, reserved paths excepted.
        :param explained: makes the exchanges of requests that ask why they go where they go; None: *proxy* does.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._proxy = proxy
        self._explained = explained
        self._admin = admin
        self._limits = limits
        self._clock = clock
        self._date = date
        self._refused = refused
        self._errors = errors
        self._witnesses = Witnesses(witnesses)
        self._local = accompanied(self._answered_here, witnesses, clock.seconds)
        self._draining = False
        self.connections: set[SiteClient] = set()

    def render(self, request: Request) -> int | bytes:
        """Begin to answer *request*; called by the Site."""
        try:
            head = read_head(request, self._limits)
        except MalformedMessage as error:
            return self._refuse(request, refusal(error))
        except GatewayError as error:
            return self._refuse(request, error)
        if self._admin is not None and is_reserved(head.path):
            # Wherever in the user's tree we are: reserved paths count from the root.
            request.prepath, request.postpath = [], head.path[1:].split(b"/")
            answer: int | bytes = self._admin.render(request)
            return answer
        client = self._client(request, head)
        if self._draining or not head.keep_alive:
            # The Site's own idea of the latter looks at the first Connection field only.
            client.last()
        if is_answered_here(head):
            client.begin(self._local(client, head))
        else:
            asks = self._explained if head.asks_why else None
            client.begin((asks or self._proxy)(client, head))
        return NOT_DONE_YET

    def route_by(self, proxy: Callable[[Downstream, RequestHead], ClientExchange]) -> None:
        """Let *proxy* make the exchanges of requests that begin from now on."""
        self._proxy = proxy

    def expire(self) -> None:
        """Called from time to time: end what has taken too long."""
        now = self._clock.seconds()
        for client in list(self.connections):
            client.expire(now, self._limits.linger_s)

    @property
    def busy(self) -> int:
        """Requests under way."""
        return sum(client.busy for client in self.connections)

    def drain(self) -> None:
        """The gateway is about to end: every response from now on ends its connection."""
        self._draining = True

    def shut_down(self) -> None:
        """End every request now."""
        for client in list(self.connections):
            client.shut_down()

    def _client(self, request: Request, head: RequestHead | None) -> SiteClient:
        client = SiteClient(request, head, self._clock, self._date, self._errors)
        self.connections.add(client)

        def ended(_: object) -> None:
            self.connections.discard(client)
            client.ended()

        request.notifyFinish().addBoth(ended)
        return client

    def _refuse(self, request: Request, error: GatewayError) -> int:
        self._refused(error.status)
        client, now = self._client(request, None), self._clock.seconds()
        sent = client.refuse(error)
        if self._witnesses:
            read = unread_request(request_line(request), client_of(request.getClientAddress()))
            self._witnesses.refused(read, error, now, now, sent)
        return NOT_DONE_YET

    def _answered_here(self, client: Downstream, head: RequestHead) -> ClientExchange:
        return LocalAnswer(client, head, self._date(), self._clock.seconds())
