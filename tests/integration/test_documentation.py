"""Every command and example of the documentation is run, in the order of its page; or says why it is not.

How a block is tried follows from its language, and from what stands before it (``fenced_blocks.py``).
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from console import fits, session
from fenced_blocks import ALL, REASONS, Block
from running import ROOT
from shell_sandbox import Sandbox
from twisted.internet.testing import MemoryReactorClock

from openprequal.bench.__main__ import parser as bench_parser
from openprequal.bench.peers import envoy
from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.registry.backend_list import read_list
from openprequal.simulation.commands import parser as simulation_parser
from openprequal.survey import objections

Program = Callable[[str], str]

PROSE = ("text", "layers", "mermaid", "{toctree}", "{eval-rst}", "{image}")
"""Pictures, output, and what Sphinx reads: nothing to be tried."""
COMMANDS = ("sh", "console")
CHECKED = ("toml", "python", "json", "nginx", "haproxy", "yaml", "ini")
NOT_RUN = 31
"""How many blocks may say that they are not run: fewer is better, more wants a reason."""


def _named(wanted: Callable[[Block], bool]) -> list[object]:
    return [pytest.param(block, id=str(block)) for block in ALL if wanted(block)]


def test_every_block_is_of_a_language_that_is_tried() -> None:
    assert not [str(block) for block in ALL if block.language not in (*PROSE, *COMMANDS, *CHECKED)]


def test_what_is_not_run_says_why_and_is_little() -> None:
    left_out = [block for block in ALL if block.not_run is not None]
    assert not [str(block) for block in left_out if block.not_run not in REASONS]
    assert len(left_out) == NOT_RUN, [str(block) for block in left_out]


@pytest.mark.parametrize("block", _named(lambda block: block.run_by is not None))
def test_whoever_is_said_to_run_a_block_reads_its_page(block: Block) -> None:
    program = (ROOT / str(block.run_by)).read_text("utf-8")
    assert Path(block.page).name in program


@pytest.mark.parametrize("block", _named(lambda block: block.not_run is not None and block.language in COMMANDS))
def test_what_is_not_run_could_be(block: Block) -> None:
    """Of commands that take too long, or need what is not here, at least the words are right."""
    said = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True, text=True, timeout=10)
    assert (said.returncode, said.stderr) == (0, "")
    for what, options in re.findall(r"openprequal[.-](bench|simulation) ([^#\n&]*)", block.text):
        {"bench": bench_parser, "simulation": simulation_parser}[what]().parse_args(shlex.split(options))


@pytest.mark.parametrize("block", _named(lambda block: block.language == "toml" and block.tried_here))
def test_settings_are_settings(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(block.text)
    if block.text.lstrip().startswith("[[backends]]"):
        assert read_list(file, 100)
        return
    variables = re.findall(r"\$\{([A-Z_]+)", block.text)
    environment = {name: "redis://localhost" if name.endswith("_URL") else "1" for name in variables}
    load(AgentSettings, {}, environment, str(file))
    settings = load(GatewaySettings, {}, environment, str(file))
    # What a page names need not be here; all else that is wrong, in parameters too, is found.
    missing = re.compile("No such file|no such directory|this is no pod|No module named")
    wrong = [str(error) for error in objections(MemoryReactorClock(), settings)]
    assert not [reason for reason in wrong if not missing.search(reason)]


@pytest.mark.parametrize("block", _named(lambda block: block.language == "json" and block.tried_here))
def test_what_is_shown_as_json_is_json(block: Block) -> None:
    # … stands for more of the same; several documents are a line each.
    text = re.sub(r",\s*…|…", "", block.text)
    assert [json.loads(each) for each in ([text] if text.startswith("{\n") else text.splitlines())]


@pytest.mark.parametrize("block", _named(lambda block: block.language == "nginx" and block.tried_here))
def test_nginx_takes_it(block: Block, tmp_path: Path, program: Program) -> None:
    text = block.text if "http {" in block.text else f"http {{\n{block.text}}}\n"
    events = "" if "events {" in text else "events {}\n"
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\n{events}{text}")
    _agrees(program("nginx"), "-t", "-q", "-p", str(tmp_path), "-c", str(file))


@pytest.mark.parametrize("block", _named(lambda block: block.language == "haproxy" and block.tried_here))
def test_haproxy_takes_it(block: Block, tmp_path: Path, program: Program) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(block.text)
    _agrees(program("haproxy"), "-c", "-q", "-f", str(file))


@pytest.mark.parametrize("block", _named(lambda block: block.language == "yaml" and block.tried_here))
def test_envoy_or_kubernetes_takes_it(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "block.yaml"
    file.write_text(block.text)
    if "static_resources:" in block.text:
        _agrees(envoy.program(), "--mode", "validate", "-l", "error", "-c", str(file))
    else:
        _agrees(str(Path(sys.executable).with_name("kubernetes-validate")), "--strict", str(file))


@pytest.mark.parametrize("block", _named(lambda block: block.language == "ini" and block.tried_here))
def test_systemd_takes_it(block: Block, tmp_path: Path, program: Program) -> None:
    name = block.text.splitlines()[0].removeprefix("# ")
    others = [other for other in ALL if other.page == block.page and other.language == "ini"]
    for other in others:
        text = other.text.replace("/opt/openprequal/bin/twistd", str(Path(sys.executable).with_name("twistd")))
        (tmp_path / other.text.splitlines()[0].removeprefix("# ")).write_text(text)
    _agrees(program("systemd-analyze"), "verify", "--man=no", str(tmp_path / name))


@pytest.mark.parametrize(
    "page",
    dict.fromkeys(block.page for block in ALL if block.tried_here and block.language in (*COMMANDS, "python")),
)
def test_the_commands_of_a_page_do_what_it_says(page: str, tmp_path: Path) -> None:
    mine = [block for block in ALL if block.page == page and block.tried_here]
    sandbox = Sandbox(tmp_path)
    try:
        # Commands may need files that are told of after them.
        for block in mine:
            if block.file is not None:
                sandbox.write(block.file, block.text)
        for block in mine:
            if block.before is not None:
                sandbox.run(block.before)
            if block.language == "sh":
                sandbox.run(block.text, block.ends_with)
            elif block.language == "console":
                _converse(sandbox, block)
        for file in dict.fromkeys(block.file for block in mine if block.language == "python"):
            assert file is not None, f"{page}: a block of Python does not say which file it is"
            sandbox.run(f"python -c 'import runpy; runpy.run_path(\"{file}\")'")
    finally:
        sandbox.end()


def _converse(sandbox: Sandbox, block: Block) -> None:
    """Run each command of a console, and compare what it says with what the page says."""
    commands = list(session(block.text))
    for number, (command, told) in enumerate(commands, 1):
        said = sandbox.run(command, block.ends_with if number == len(commands) else 0)
        if block.output_varies:
            told, said = told.partition("\n")[0], said.partition("\n")[0]
        assert fits(said, told, numbers_vary=block.numbers_vary), f"{block}: {command}\n{said}"


def _agrees(*command: str) -> None:
    """:raises AssertionError: it does not, with what it said."""
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stdout + said.stderr
