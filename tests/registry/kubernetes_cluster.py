"""A registry and the API server it asks, in memory and in virtual time."""

from collections.abc import Mapping
from random import Random

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock
from twisted.web.iweb import IAgent
from zope.interface import implementer

from openprequal.interfaces import RegistryContext
from openprequal.registry.kubernetes.api_server import ApiServer
from openprequal.registry.kubernetes.parameters import Source
from openprequal.registry.kubernetes.registry import KubernetesRegistry
from openprequal.testing.kubernetes_api import FakeKubernetesApi
from openprequal.testing.registry_contract import MembershipLog
from openprequal.values import Backend


class Cluster:
    """A cluster, and a registry that is asked to follow the Service ``web`` of it."""

    def __init__(
        self,
        services: object = None,
        *,
        max_backends: int = 100,
        token_file: str | None = None,
        seed: int = 1,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.api = FakeKubernetesApi(self.clock)
        self.refusing = False
        """Nobody listens where the API server should be."""
        self.source = Source(kubernetes_service="web", port="http")
        self._agent = RequestTraversalAgent(self.api)
        parameters: Mapping[str, object] = {"services": services or [self.source.model_dump()]}
        self.registry = KubernetesRegistry(
            RegistryContext(self.clock, max_backends, parameters=parameters, rng=Random(seed)),
            ApiServer("https://api.test", "default", token_file, None),
            lambda: _Agent(self),
        )
        self.log = MembershipLog()
        self.registry.subscribe(self.log)

    def start(self) -> "Cluster":
        self.registry.start()
        self.settle()
        return self

    def settle(self) -> None:
        """Let arrive what was sent, and the registry tell of it; the pause after a failure does not go by."""
        for _ in range(4):
            self._agent.flush()
            self.clock.advance(0.05)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            self._agent.flush()
            self.clock.advance(0.25)
        self.settle()

    def hang(self) -> None:
        """What is under way goes nowhere any more, and nobody is told."""
        self._agent = RequestTraversalAgent(self.api)

    def stop(self) -> None:
        """Stop the registry; it must leave nothing behind."""
        stopped: list[object] = []
        self.registry.stop().addCallback(stopped.append)
        self._agent.flush()
        assert stopped == [None]
        assert self.api.watching == 0
        assert not self.clock.getDelayedCalls()

    @property
    def urls(self) -> list[str]:
        return [backend.url for backend in self.registry.backends()]

    @property
    def known(self) -> dict[str, Backend]:
        """By host."""
        return {backend.host: backend for backend in self.registry.backends()}

    @property
    def heard(self) -> list[str]:
        return [f"{event} {backend_id.partition('//')[2]}" for event, backend_id in self.log.heard]

    def request(self, *arguments: object) -> "Deferred[object]":
        if self.refusing:
            return fail(Refused("refused"))
        answer: Deferred[object] = self._agent.request(*arguments)
        return answer


@implementer(IAgent)
class _Agent:
    def __init__(self, cluster: Cluster) -> None:
        self.request = cluster.request
