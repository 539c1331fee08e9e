"""The dashboard in a real browser: what is seen of the gateway, what is done from it, and who may."""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Dashboard, browser
from PIL import Image
from running import Running, ask, backend, backends, eventually, free_ports, gateway, post, up
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from steady import Steady

PICTURES = os.environ.get("OPENPREQUAL_SCREENSHOTS")
"""A folder that the documentation's pictures are written to; without it they go where the test may write."""
TOKEN = "abc123"


@pytest.fixture(scope="module")
def chromium(program: Callable[[str], str]) -> Iterator[Any]:
    with browser(program) as driver:
        yield driver


@pytest.fixture
def dashboard(chromium: Any) -> Iterator[Dashboard]:
    page = Dashboard(chromium)
    yield page
    # What it showed was of a gateway that has ended since; and what it kept is gone.
    page.open("about:blank")


@contextlib.contextmanager
def demo(folder: Path, *flags: str, count: int = 3, admin: int | None = None) -> Iterator[tuple[Running, int]]:
    """A gateway with so many example backends on the ports after its own."""
    port = free_ports(count + 1)
    with gateway(folder, f"--demo={count}", *flags, port=port) as (command, _):
        eventually(lambda: up(admin or port, count), f"{count} backends are up")
        yield command, port


def link(command: Running) -> str:
    """Where the log of a demonstration says that the dashboard is."""
    found = re.search(r"dashboard: (\S+)", command.output)
    assert found is not None, command.output
    return found[1]


def page_of(port: int) -> str:
    return f"http://localhost:{port}/_openprequal/dashboard"


def share(page: Dashboard, port: int) -> float:
    """The share of the picks that this backend is shown with, in percent."""
    shown = re.search(r"[\d.]+", page.rows()[f"localhost:{port}"]["Share of picks"])
    return float(shown[0]) if shown else 0.0


def test_a_demonstration_is_seen_and_driven_from_the_page(tmp_path: Path, dashboard: Dashboard) -> None:
    with demo(tmp_path) as (command, port):
        first, second, third = (f"localhost:{port + number}" for number in (1, 2, 3))
        dashboard.open(link(command))
        dashboard.until_live()
        assert "token" not in dashboard.driver.current_url
        eventually(lambda: dashboard.rows().keys() == {first, second, third}, "three backends appear")
        assert {row["State"] for row in dashboard.rows().values()} == {"● up"}
        with Steady(port):
            # Not all at every moment: on a busy machine one may just have been slow, and is spared for it.
            served: set[int] = set()

            def spread() -> bool:
                served.update(number for number in (1, 2, 3) if share(dashboard, port + number) > 0)
                return len(served) == 3

            eventually(spread, "the traffic is spread", 60.0)
            assert dashboard.tile("Backends") == "3 of 3"

            _kill_backend(command, port + 1)
            eventually(lambda: dashboard.rows()[first]["State"] in ("✕ down", "✕ gone"), "one is seen to be down")
            eventually(lambda: dashboard.rows()[first]["State"] == "✕ gone", "and then gone")
            eventually(lambda: "silent for" in dashboard.rows()[first]["Why"], "with the reason")
            assert ("left", first) in [(what, who) for what, who, _ in dashboard.events()]

            dashboard.button(f"Drain {second}").click()
            eventually(lambda: dashboard.rows()[second]["State"] == "◒ draining", "one is drained by a click")
            eventually(
                lambda: "drained" in dashboard.text("said") or "draining" in dashboard.text("said"), "it is said"
            )
            eventually(lambda: share(dashboard, port + 2) == 0, "and traffic leaves it")
            eventually(lambda: share(dashboard, port + 3) == 100, "for the other")
            assert backends(port)[f"http://{second}"]["condition"] == "draining"

            dashboard.button(f"Undrain {second}").click()
            eventually(lambda: dashboard.rows()[second]["State"] == "● up", "it is up again")
            eventually(lambda: share(dashboard, port + 2) > 0, "and has traffic again", 60.0)
            assert not dashboard.complaints()


def _kill_backend(command: Running, port: int) -> None:
    for pid in command.children():
        if f"--port={port}\0" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
            return
    raise AssertionError(f"no child has port {port}")


def test_a_backend_is_drained_by_the_keyboard_alone(tmp_path: Path, dashboard: Dashboard) -> None:
    with demo(tmp_path, count=1) as (command, port):
        dashboard.open(link(command))
        dashboard.until_live()
        name = f"localhost:{port + 1}"
        eventually(lambda: name in dashboard.rows(), "it is there")
        dashboard.press(Keys.TAB)
        assert dashboard.focused() == "Skip to the backends"
        dashboard.press(Keys.ENTER)
        dashboard.tab_to(f"Drain {name}")
        dashboard.press(Keys.ENTER)
        eventually(lambda: dashboard.rows()[name]["State"] == "◒ draining", "it is drained")
        # The row is drawn anew each second, and the focus stays where it was.
        assert dashboard.focused() == f"Undrain {name}"
        dashboard.press(Keys.SPACE)
        eventually(lambda: dashboard.rows()[name]["State"] == "● up", "it is up again")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_lacks_nothing_that_axe_core_looks_for(tmp_path: Path, dashboard: Dashboard, theme: str) -> None:
    with demo(tmp_path) as (command, port), Steady(port):
        dashboard.open(link(command))
        dashboard.until_live()
        dashboard.look(theme)
        dashboard.button(f"Drain localhost:{port + 1}").click()
        dashboard.element("numbers").find_element(By.TAG_NAME, "summary").click()
        eventually(lambda: len(dashboard.events()) > 3, "there are events")
        assert dashboard.violations() == []
        dashboard.element("token-button").click()
        assert dashboard.violations() == []


def test_the_balancer_is_changed_and_a_wrong_one_is_not(tmp_path: Path, dashboard: Dashboard) -> None:
    with demo(tmp_path, count=1) as (command, _):
        dashboard.open(link(command))
        dashboard.until_live()
        eventually(lambda: dashboard.element("balancer-name").get_property("value") == "Prequal", "it is shown")
        _fill(dashboard, "least_rif", '{"max_age_seconds": -1}')
        eventually(lambda: "max_age_seconds" in dashboard.text("balancer-error"), "what is wrong is named")
        _fill(dashboard, "least_rif", '{"max_age_seconds": 3}')
        eventually(lambda: "keeps none" in dashboard.text("pool-unit"), "it is in force")
        assert dashboard.text("balancer-error") == ""
        eventually(lambda: dashboard.events()[0][0] == "balancer", "it is an event")
        assert "least_rif by" in command.output


def _fill(dashboard: Dashboard, balancer: str, parameters: str) -> None:
    for name, text in (("balancer-name", balancer), ("parameters", parameters)):
        dashboard.element(name).clear()
        dashboard.element(name).send_keys(text)
    dashboard.driver.find_element(By.CSS_SELECTOR, "#balancer button[type=submit]").click()


def test_who_has_no_token_is_asked_for_one_and_who_has_sees(tmp_path: Path, dashboard: Dashboard) -> None:
    with gateway(tmp_path, "--trust-loopback=no", environment={"OPENPREQUAL_TOKEN": TOKEN}) as (_, port):
        dashboard.open(page_of(port))
        eventually(lambda: dashboard.element("token").is_displayed(), "it is asked for")
        dashboard.element("token").send_keys("wrong", Keys.ENTER)
        eventually(lambda: dashboard.element("token").is_displayed(), "again")
        eventually(lambda: dashboard.element("token").get_property("value") == "", "and anew")
        dashboard.element("token").send_keys(TOKEN, Keys.ENTER)
        dashboard.until_live()
        # A backend's page would have the same origin, and could read what is kept there.
        assert dashboard.run("return sessionStorage.length + localStorage.length") == 0


def test_a_page_of_a_backend_changes_nothing_where_it_has_the_dashboards_origin(
    tmp_path: Path, dashboard: Dashboard
) -> None:
    with demo(tmp_path, count=1) as (_, port):
        dashboard.open(f"http://localhost:{port}/some/page")
        named = {"url": f"http://localhost:{port + 1}"}
        assert dashboard.post("/_openprequal/drain", named) == 403
        assert backends(port)[named["url"]]["condition"] == "up"


def test_on_a_port_of_its_own_the_page_needs_no_token_here_and_no_other_page_is_let_in(
    tmp_path: Path, dashboard: Dashboard
) -> None:
    admin = free_ports()
    with demo(tmp_path, f"--admin-port={admin}", count=1, admin=admin) as (_, port):
        named = {"url": f"http://localhost:{port + 1}"}
        orders = f"http://localhost:{admin}/_openprequal/drain"
        dashboard.open(f"http://localhost:{port}/some/page")
        assert dashboard.post(orders, named) == 0
        dashboard.open(f"http://127.0.0.1:{admin}/_openprequal/dashboard")
        assert dashboard.post(orders, named) == 0
        assert _condition(admin, named["url"]) == "up"
        dashboard.open(page_of(admin))
        dashboard.until_live()
        dashboard.button(f"Drain localhost:{port + 1}").click()
        eventually(lambda: _condition(admin, named["url"]) == "draining", "the page may")


def _condition(admin: int, url: str) -> object:
    (row,) = [row for row in ask(admin, "/backends").json["backends"] if row["url"] == url]
    return row["condition"]


def test_text_of_others_is_never_markup(tmp_path: Path, dashboard: Dashboard) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    with gateway(tmp_path) as (_, port):
        dashboard.open(page_of(port))
        dashboard.until_live()
        shown = dashboard.driver.execute_async_script(
            "const [text, done] = arguments;"
            "import('/_openprequal/dashboard/dom.js').then(({ fillTable, byId, element }) => {"
            " fillTable(byId('services'), text, [text], [[text]]);"
            " document.body.append(element('p', { id: 'hostile', title: text }, text));"
            " done([byId('services').innerText, byId('hostile').innerText, document.images.length]); })",
            hostile,
        )
        assert shown == [f"{hostile}\n{hostile}\n{hostile}", hostile, 0] or hostile in shown[0]
        assert dashboard.driver.title == "OpenPrequal"
        with pytest.raises(Exception, match="TrustedHTML"):
            dashboard.run("document.body.innerHTML = arguments[0]", hostile)


def test_a_thousand_backends_are_paged_with_those_first_that_need_a_look(tmp_path: Path, dashboard: Dashboard) -> None:
    with gateway(tmp_path, "--max-backends=1100") as (_, port), backend(tmp_path, port) as (_, well):
        for number in range(1000):
            assert post(port, "/register", {"url": f"http://127.1.{number // 250}.{number % 250 + 1}:9"}).status == 200
        dashboard.open(page_of(port))
        dashboard.until_live()
        eventually(lambda: "1–50 of 1,001" in dashboard.text("shown"), "one page of them is shown")
        eventually(lambda: {row["State"] for row in dashboard.rows().values()} == {"✕ down"}, "the sick ones first", 60)
        dashboard.element("next").click()
        eventually(lambda: "51–100 of 1,001" in dashboard.text("shown"), "there is a next page")
        dashboard.press("/")
        dashboard.press(str(well))
        eventually(lambda: dashboard.rows().keys() == {f"localhost:{well}"}, "one is found")
        assert dashboard.text("shown") == "1 found, of 1,001"


def test_the_page_finds_the_gateway_again_that_comes_after(tmp_path: Path, dashboard: Dashboard) -> None:
    port = free_ports()
    with gateway(tmp_path, port=port):
        dashboard.open(page_of(port))
        dashboard.until_live()
    eventually(lambda: dashboard.text("connection").startswith("not connected"), "it is seen to be gone")
    with gateway(tmp_path, port=port):
        dashboard.until_live()


def test_pictures_for_the_documentation(tmp_path: Path, program: Callable[[str], str]) -> None:
    folder = Path(PICTURES) if PICTURES else tmp_path
    work = (0.008, 0.01, 0.012, 0.016, 0.024, 0.04, 0.06)
    with contextlib.ExitStack() as stack:
        command, port = stack.enter_context(demo(tmp_path))
        for seconds in work:
            stack.enter_context(backend(tmp_path, port, f"--work-seconds={seconds}"))
        eventually(lambda: up(port, 3 + len(work)), "all are up")
        page = Dashboard(stack.enter_context(browser(program, (1360, 1180))))
        page.open(link(command))
        page.until_live()
        with Steady(port, per_second=600):
            eventually(lambda: page.run("return document.querySelectorAll('#pool-plot .point').length") > 5, "a pool")
            eventually(lambda: page.tile("Backends") == "10 of 10", "all are shown")
            page.run("window.began = Date.now()")
            seconds = 150 if PICTURES else 3
            eventually(lambda: page.run("return Date.now() - window.began") > 1000 * seconds, "lines grow", 2 * seconds)
            page.button(f"Drain localhost:{port + 2}").click()
            eventually(lambda: "◒ draining" in [row["State"] for row in page.rows().values()], "one is drained")
            for theme in ("light", "dark"):
                page.look(theme)
                file = folder / f"dashboard-{theme}.png"
                page.save(file)
                Image.open(file).quantize(128).save(file, optimize=True)
                assert 10_000 < file.stat().st_size < 200_000
