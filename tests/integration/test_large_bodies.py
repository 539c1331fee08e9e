"""Bodies of any size pass through in bounded memory."""

import http.client
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from running import ask, backend, eventually, gateway, up

SIZE = 200_000_000
MOST = 120_000_000
CHUNK = bytes(1 << 20)

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason=f"no /proc on {sys.platform}")


def _upload() -> Iterator[bytes]:
    left = SIZE
    while left:
        yield CHUNK[:left]
        left -= min(left, len(CHUNK))


def _read_whole(response: http.client.HTTPResponse) -> int:
    size = 0
    while data := response.read(1 << 18):
        size += len(data)
    return size


def test_200_megabytes_up_and_down_stay_below_120(tmp_path: Path) -> None:
    with gateway(tmp_path) as (command, port), backend(tmp_path, port):
        eventually(lambda: up(port, 1), "the backend is up")
        sent = ask(port, "/", "POST", _upload(), {"Content-Length": str(SIZE)})
        assert sent.body.endswith(b" %d bytes\n" % SIZE)
        chunked = ask(port, "/", "PUT", _upload())  # of unknown length
        assert chunked.body.endswith(b" %d bytes\n" % SIZE)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        with closing(connection):
            connection.request("GET", f"/bytes/{SIZE}")
            assert _read_whole(connection.getresponse()) == SIZE
        assert command.memory_peak() < MOST


def test_a_client_that_does_not_read_holds_the_backend_back(tmp_path: Path) -> None:
    with gateway(tmp_path) as (command, port), backend(tmp_path, port):
        eventually(lambda: up(port, 1), "the backend is up")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        with closing(connection):
            connection.request("GET", f"/bytes/{SIZE}")
            response = connection.getresponse()

            def stands_still() -> bool:
                before = command.bytes_read()
                time.sleep(0.3)
                # Probes and their answers go on: a few hundred bytes each.
                return before > 100_000 and command.bytes_read() - before < 20_000

            eventually(stands_still, "nothing moves")
            assert command.bytes_read() < SIZE / 4
            assert _read_whole(response) == SIZE
        assert command.memory_peak() < MOST
