"""A service that knows nothing of load reports: ``python plain_service.py PORT``. Run by the tests of the sidecar."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers /bytes/N with N bytes, /slow after a while, an upgrade with an echo, anything else with one line."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade"):
            self.send_response(101)
            self.send_header("Connection", "upgrade")
            self.send_header("Upgrade", self.headers["Upgrade"])
            self.end_headers()
            self.close_connection = True
            while data := self.connection.recv(65536):
                self.connection.sendall(data)
            return
        if self.path == "/slow":
            time.sleep(0.3)
        kind, _, size = self.path.strip("/").partition("/")
        self._answer(int(size) if kind == "bytes" else None)

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        total = left
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self._answer(None, b"%d bytes for %s\n" % (total, self.headers.get("X-Forwarded-For", "").encode()))

    def _answer(self, size: int | None, body: bytes = b"plain\n") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        if size is None:
            self.wfile.write(body)
            return
        while size:
            self.wfile.write(bytes(min(size, 1 << 20)))
            size -= min(size, 1 << 20)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


class Server(ThreadingHTTPServer):
    """Accepts as many at once as a load of tests brings."""

    request_queue_size = 256


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
