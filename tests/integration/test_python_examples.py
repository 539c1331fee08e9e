"""Each example of a Python backend, beside the gateway, by the commands that its documentation gives."""

import signal
from pathlib import Path

import pytest
from load import Load
from python_application import example
from running import ask, backend, backends, eventually, gateway

CLIENTS = 8

WAYS = {
    "fastapi": ("fastapi", ()),
    "fastapi, several processes": ("fastapi", ("--workers", "2")),
    "flask, processes and threads": ("flask", ()),
    "flask, imported before the fork": ("flask", ("--preload",)),
    "django": ("django", ()),
    "klein": ("klein", ()),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_example_joins_tells_its_load_serves_and_leaves_without_a_failed_request(way: str, tmp_path: Path) -> None:
    name, more = WAYS[way]
    # Another one stays, so that there is somebody to ask when the example has left.
    with (
        gateway(tmp_path) as (_, port),
        backend(tmp_path, port, "--work-seconds=0.02", "--cores=0"),
        example(name, tmp_path, port, *more) as (command, url),
    ):

        def row() -> dict[str, object]:
            return backends(port).get(url, {})

        eventually(lambda: row().get("up"), f"{name} is up: {command.output}")
        with Load(port, CLIENTS) as load:
            eventually(lambda: row()["picks"] > 50, "it has its share")  # type: ignore[operator]
            eventually(lambda: row()["rif"], "it tells of the others that are in flight")
            eventually(lambda: row()["latency"], "it tells its latency")
            assert str(row()["load_source"]).startswith("report: openprequal")
            command.process.send_signal(signal.SIGTERM)
            eventually(lambda: url not in backends(port), "it has left")
            begun = len(load.requests)
            command.wait()
            eventually(lambda: len(load.requests) > begun + 50, "the rest goes on")
        assert load.failed == []
        assert command.process.returncode in (0, -signal.SIGTERM), command.output
        assert ask(port).status == 200
