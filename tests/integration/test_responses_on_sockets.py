"""Compression, CORS and sticky sessions in real processes, by clients that others have written."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from decompressing import decompressed
from running import ask, backend, backends, eventually, gateway, up

CONFIG = """
compress = true
sticky = "cookie"

[compression]
content_types = ["text/*", "application/octet-stream"]

[cors.default]
allow_origins = ["https://app.test"]
"""
KEY = {"OPENPREQUAL_STICKY_KEYS": "k" * 32}
SIZE = 3_000_000


def config(folder: Path) -> str:
    file = folder / "gateway.toml"
    file.write_text(CONFIG)
    return f"--config={file}"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_large_response_comes_compressed_and_whole(coding: str, tmp_path: Path) -> None:
    with gateway(tmp_path, config(tmp_path)) as (_, port), backend(tmp_path, port):
        eventually(lambda: up(port, 1), "the backend is up")
        plain = ask(port, f"/bytes/{SIZE}")
        answer = ask(port, f"/bytes/{SIZE}", headers={"Accept-Encoding": coding})
        assert answer.headers["content-encoding"] == coding
        assert len(answer.body) < SIZE / 2
        assert decompressed(coding.encode(), answer.body) == plain.body


def test_curl_reads_what_it_asks_for(tmp_path: Path) -> None:
    with gateway(tmp_path, config(tmp_path)) as (_, port), backend(tmp_path, port):
        eventually(lambda: up(port, 1), "the backend is up")
        for version in ("--http1.1", "--http1.0"):
            curl = ["curl", "-sS", "--compressed", version, f"http://127.0.0.1:{port}/bytes/{SIZE}"]
            assert subprocess.run(curl, capture_output=True, timeout=20, check=True).stdout == bytes(SIZE)


def test_a_preflight_needs_no_backend(tmp_path: Path) -> None:
    with gateway(tmp_path, config(tmp_path)) as (_, port):
        asked = {"Origin": "https://app.test", "Access-Control-Request-Method": "POST"}
        answer = ask(port, "/x", "OPTIONS", headers=asked)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "https://app.test"


def test_two_gateways_with_one_key_know_each_others_sessions(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with (
        gateway(here, config(here), environment=KEY) as (_, one),
        gateway(there, config(there), environment=KEY) as (_, other),
        backend(tmp_path, one, f"--proxy-url=http://127.0.0.1:{other}") as _,
        backend(tmp_path, one, f"--proxy-url=http://127.0.0.1:{other}") as _,
    ):
        for port in (one, other):
            eventually(lambda port=port: up(port, 2), "both backends are up")
        first = ask(one, "/x")
        cookie = first.headers["set-cookie"].partition(";")[0]
        before = picks(other)
        for _ in range(10):
            assert ask(other, "/x", headers={"Cookie": cookie}).body == first.body
        assert sorted(now - before[url] for url, now in picks(other).items()) == [0, 10]


def picks(port: int) -> Mapping[str, int]:
    """How many requests each backend has had."""
    return {url: row["picks"] for url, row in backends(port).items()}
