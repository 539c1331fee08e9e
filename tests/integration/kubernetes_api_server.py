"""The fake API server as a program: ``python kubernetes_api_server.py PORT PEM TOKEN VERSION``.

Run by the tests of the registry. What is posted to ``/_control`` is done: ``{"call": "put", "arguments": [...]}``
calls, ``{"set": {"tokens": [...]}}`` sets.
"""

import json
import sys

from twisted.internet import endpoints, reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from openprequal.testing.kubernetes_api import FakeKubernetesApi


class Control(Resource):
    """Lets the test do what the fake can do; answers how many watch."""

    isLeaf = True

    def __init__(self, api: FakeKubernetesApi) -> None:
        Resource.__init__(self)
        self._api = api

    def render_POST(self, request: Request) -> bytes:
        asked = json.load(request.content)
        for name, value in asked.get("set", {}).items():
            setattr(self._api, name, value)
        if "call" in asked:
            getattr(self._api, asked["call"])(*asked["arguments"])
        return b"%d" % self._api.watching


def main(port: str, pem: str, token: str, version: str) -> None:
    api = FakeKubernetesApi(reactor, tokens=[token])
    api.restore(int(version))
    root = Resource()
    root.putChild(b"apis", api)
    root.putChild(b"_control", Control(api))
    listening = endpoints.serverFromString(reactor, f"ssl:{port}:interface=127.0.0.1:privateKey={pem}:certKey={pem}")
    listening.listen(Site(root))
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
