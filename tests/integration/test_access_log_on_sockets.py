"""The access log in a real process: files that are moved away, disks that are full, pipes that nobody reads, syslog."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from running import TWISTD, ask, backend, eventually, free_ports, gateway, running, up

METRIC = re.compile(rb'openprequal_access_log_lost_lines_total\{reason="(\w+)"\} ([0-9.]+)')


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def targets(path: Path) -> list[str]:
    return [line["target"] for line in lines(path)]


def lost(port: int) -> dict[str, float]:
    return {name.decode(): float(count) for name, count in METRIC.findall(ask(port, "/metrics").body)}


def test_a_request_is_found_by_the_id_that_its_backend_saw(tmp_path: Path) -> None:
    with gateway(tmp_path, "--access-log=access.log") as (_, port), backend(tmp_path, port):
        eventually(lambda: up(port, 1), "the backend is up")
        assert ask(port, "/x", headers={"X-Request-Id": "mine"}).status == 200
        (line,) = eventually(lambda: lines(tmp_path / "access.log"), "a line")
    assert (line["request_id"], line["status"], line["outcome"]) == ("mine", 200, "response")


def test_sigusr1_opens_the_file_anew_and_twistd_rotates_its_own_log_as_before(tmp_path: Path) -> None:
    port = free_ports()
    arguments = ["-n", "--logfile=twistd.log", "openprequal", f"--port={port}", "--access-log=access.log"]
    log, moved = tmp_path / "access.log", tmp_path / "access.log.1"
    with running(arguments, tmp_path) as command:
        eventually(lambda: ask(port, "/before"), "an answer")
        eventually(lambda: targets(log) == ["/before"], "the first line")
        log.rename(moved)
        os.kill(command.pid, signal.SIGUSR1)
        eventually(lambda: (tmp_path / "twistd.log.1").exists(), "twistd's own log is rotated")
        ask(port, "/after")
        eventually(lambda: targets(log) == ["/after"], "the file that is opened anew")
        assert targets(moved) == ["/before"]
        assert command.process.poll() is None


def test_a_full_disk_stops_no_request_and_its_lines_are_counted(tmp_path: Path) -> None:
    with gateway(tmp_path, "--access-log=/dev/full") as (command, port):
        for _ in range(20):
            assert ask(port, "/x").status == 503
        eventually(lambda: lost(port).get("failed") == 20, "all lines are counted")
        eventually(lambda: "No space left on device" in command.output, "the log says why")
        assert len(re.findall("lines for /dev/full lost", command.output)) == 1


def test_a_pipe_that_nobody_reads_stops_no_request_and_not_the_end(tmp_path: Path) -> None:
    port = free_ports()
    read, write = os.pipe()
    arguments = [str(TWISTD), "-n", "--logfile=twistd.log", "--pidfile=", "openprequal", f"--port={port}"]
    process = subprocess.Popen(
        [*arguments, "--access-log=stdout"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(write)
        eventually(lambda: ask(port, "/healthz"), "an answer")
        for _ in range(40):
            # A pipe holds 64 KiB.
            assert ask(port, "/" + "x" * 2000).status == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)
        assert os.read(read, 9) == b'{"time":"'
    finally:
        process.kill()
        process.wait()
        os.close(read)


def test_lines_go_to_syslog_as_rfc_5424_messages(tmp_path: Path) -> None:
    path = tmp_path / "syslog"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        daemon.settimeout(20)
        with gateway(tmp_path, f"--access-log=syslog:{path}", "--access-log-format=combined") as (command, port):
            ask(port, "/x")
            message = daemon.recv(65536)
    match = re.fullmatch(rb"<190>1 (\S+) (\S+) openprequal (\d+) access - (.*)", message)
    assert match
    assert int(match[3]) == command.pid
    assert b'"GET /x HTTP/1.1" 503' in match[4]


def test_lines_go_to_syslog_by_udp(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(20)
        where = f"syslog:127.0.0.1:{daemon.getsockname()[1]}"
        with gateway(tmp_path, f"--access-log={where}") as (_, port):
            ask(port, "/x")
            message = daemon.recv(65536)
    assert json.loads(message.partition(b" access - ")[2])["target"] == "/x"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--access-log=no/such/file"], "--access-log: 'no/such/file' cannot be written: there is no such directory"),
        (["--access-log=/"], "--access-log: '/' cannot be written: it is a directory"),
        (["--access-log=syslog:a:b"], "--access-log: 'a:b' is no syslog daemon"),
        (["--access-log=stdout", "--access-log-format={statsu}"], "did you mean status?"),
    ],
)
def test_a_check_says_what_is_wrong_and_makes_no_file(tmp_path: Path, flags: list[str], said: str) -> None:
    with running(["-n", "openprequal", "--check", *flags], tmp_path) as command:
        assert command.wait() == 1
        assert said in command.output
    with running(["-n", "openprequal", "--check", "--access-log=new.log"], tmp_path) as command:
        assert command.wait() == 0
    assert not (tmp_path / "new.log").exists()
