"""What of vLLM a gateway sees, without a model: a few requests run at a time, the others wait, answers are streamed.

    python server.py PORT [--slots 8] [--tokens-per-second 50]

``POST /v1/completions`` with ``{"max_tokens": 100}`` is answered by so many events, the first of them when the request
has got one of the slots; ``GET /metrics`` tells how many run and wait, under vLLM's names; ``GET /health`` is empty.
"""

import argparse
import json
from collections import deque

from twisted.internet import reactor
from twisted.internet.task import LoopingCall
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

PAGE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{engine="0",model_name="emulated"}} {running}.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{{engine="0",model_name="emulated"}} {waiting}.0
"""


class Engine:
    """Runs as many requests as there are slots, each at its full speed; the others wait in one queue."""

    def __init__(self, slots: int, tokens_per_s: float) -> None:
        self.running: set[Completion] = set()
        self.waiting: deque[Completion] = deque()
        self.slots = slots
        self.interval_s = 1 / tokens_per_s

    def add(self, completion: "Completion") -> None:
        self.waiting.append(completion)
        self.fill()

    def remove(self, completion: "Completion") -> None:
        if completion in self.running:
            self.running.remove(completion)
        else:
            self.waiting.remove(completion)
        self.fill()

    def fill(self) -> None:
        while self.waiting and len(self.running) < self.slots:
            completion = self.waiting.popleft()
            self.running.add(completion)
            completion.run()


class Completion:
    """One request, from its arrival to its last token, or until its client is gone."""

    def __init__(self, engine: Engine, request: Request, tokens: int) -> None:
        self.engine = engine
        self.request = request
        self.tokens = tokens
        self.writing = LoopingCall(self.write)
        request.notifyFinish().addBoth(self.over)
        engine.add(self)

    def run(self) -> None:
        self.request.setHeader("Content-Type", "text/event-stream; charset=utf-8")
        self.writing.start(self.engine.interval_s)

    def write(self) -> None:
        if self.tokens:
            self.tokens -= 1
            self.request.write(b'data: {"choices": [{"text": " token"}]}\n\n')
        else:
            self.request.write(b"data: [DONE]\n\n")
            self.request.finish()

    def over(self, reason: object) -> None:
        if self.writing.running:
            self.writing.stop()
        self.engine.remove(self)


class Server(Resource):
    isLeaf = True

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def render_GET(self, request: Request) -> bytes:
        if request.path == b"/metrics":
            request.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            return PAGE.format(running=len(self.engine.running), waiting=len(self.engine.waiting)).encode()
        if request.path != b"/health":
            request.setResponseCode(404)
        return b""

    def render_POST(self, request: Request) -> int:
        Completion(self.engine, request, int(json.load(request.content)["max_tokens"]))
        return NOT_DONE_YET


class QuietSite(Site):
    def log(self, request: HttpRequest) -> None:
        """As many lines as requests would say nothing."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("port", type=int, nargs="?", default=5000)
    options.add_argument("--slots", type=int, default=8)
    options.add_argument("--tokens-per-second", type=float, default=50.0)
    told = options.parse_args()
    site = QuietSite(Server(Engine(told.slots, told.tokens_per_second)))
    reactor.listenTCP(told.port, site, backlog=1024, interface="127.0.0.1")  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
