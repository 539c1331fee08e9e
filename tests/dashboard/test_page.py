"""The page as it is served: whole, from here alone, and to those who might have a token."""

import re
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address
from whole_gateway import Start, WholeGateway, status

import openprequal.dashboard
from openprequal.dashboard.page import read_files
from openprequal.testing.memory_transport import RawConnection

STATIC = Path(openprequal.dashboard.__file__).parent / "static"
PAGE = "/_openprequal/dashboard"
ELSEWHERE = IPv4Address("TCP", "198.51.100.7", 40000)
SCRIPTS = sorted(STATIC.glob("*.js"))


@pytest.fixture
def gateway(start: Start) -> WholeGateway:
    return start(token=["s3cret"], admin_networks=["198.51.100.0/24"])


def field(connection: RawConnection, name: str) -> str:
    found = re.search(rb"(?im)^%b: (.*)\r$" % name.encode(), connection.received)
    assert found is not None, name
    return found[1].decode()


def test_the_page_is_for_everyone_who_might_have_a_token(gateway: WholeGateway) -> None:
    assert status(gateway.get(PAGE, peer=ELSEWHERE)) == 200
    assert status(gateway.get(PAGE)) == 200
    assert status(gateway.get(PAGE, peer=IPv4Address("TCP", "203.0.113.99", 1))) == 403


def test_the_page_allows_nothing_but_our_own_files(gateway: WholeGateway) -> None:
    policy = dict(rule.split(" ", 1) for rule in field(gateway.get(PAGE), "content-security-policy").split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "img")} == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert (policy["require-trusted-types-for"], policy["trusted-types"]) == ("'script'", "'none'")


@pytest.mark.parametrize("name", sorted(read_files()))
def test_every_file_is_served_as_what_it_is(gateway: WholeGateway, name: str) -> None:
    types = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    answer = gateway.get(f"{PAGE}/{name}")
    assert status(answer) == 200
    assert field(answer, "content-type").startswith(types[name.rpartition(".")[2]])
    assert answer.received.endswith((STATIC / name).read_bytes())


def test_a_browser_that_has_a_file_is_told_that_it_is_still_the_same(gateway: WholeGateway) -> None:
    tag = field(gateway.get(f"{PAGE}/main.js"), "etag")
    assert status(gateway.get(f"{PAGE}/main.js", If_None_Match=tag)) == 304


@pytest.mark.parametrize("path", ["/", "/nothing.js", "/../page.py", "/static/main.js", "/%00"])
def test_there_is_nothing_else(gateway: WholeGateway, path: str) -> None:
    assert status(gateway.get(PAGE + path)) == 404


def test_who_asks_for_the_head_alone_gets_no_content(gateway: WholeGateway) -> None:
    client = gateway.client()
    client.send(b"HEAD /_openprequal/dashboard HTTP/1.1\r\nHost: localhost\r\n\r\n")
    gateway.wait(0)
    assert status(client) == 200
    assert client.received.endswith(b"\r\n\r\n")


def test_the_page_can_only_be_read(gateway: WholeGateway) -> None:
    assert gateway.post(PAGE, {})[0] == 405


def test_every_file_that_is_named_is_there_and_every_one_there_is_named() -> None:
    page = (STATIC / "index.html").read_text()
    named = set(re.findall(r'(?:src|href)="dashboard/([^"]+)"', page))
    named |= {name for script in SCRIPTS for name in re.findall(r'from "\./([^"]+)"', script.read_text())}
    assert named | {"index.html"} == {path.name for path in STATIC.iterdir()}


def test_nothing_comes_from_elsewhere() -> None:
    for path in STATIC.iterdir():
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", page)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_of_text(script: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTML|DOMParser|\beval\b"
        r"|new Function|javascript:",
        script.read_text(),
    )
