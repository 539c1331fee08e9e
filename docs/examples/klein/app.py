"""A Klein application behind the gateway: one import and one line.

    pip install openprequal klein
    twistd -n openprequal &
    BACKEND_PORT=8001 python docs/examples/klein/app.py

Any other resource of ``twisted.web`` joins in the same way.
"""

import os

from klein import Klein
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater
from twisted.web.iweb import IRequest
from twisted.web.server import Site

from openprequal.agent.twisted_web import wrap

app = Klein()


@app.route("/")
def hello(request: IRequest) -> "Deferred[bytes]":
    """Takes a while, like a database does."""
    return deferLater(reactor, 0.02, lambda: b"process %d\n" % os.getpid())


if __name__ == "__main__":
    endpoint = serverFromString(reactor, f"tcp:{os.environ['BACKEND_PORT']}:interface=127.0.0.1")
    endpoint.listen(Site(wrap(app.resource())))
    reactor.run()
