"""A real browser: how it is started, and what of the dashboard a reader of the page sees."""

import contextlib
import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from running import eventually
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--hide-scrollbars", "--force-prefers-reduced-motion"),
)
AXE = files("axe_playwright_python").joinpath("axe.min.js")


@contextlib.contextmanager
def browser(program: Callable[[str], str], size: tuple[int, int] = (1440, 1500)) -> Iterator[webdriver.Chrome]:
    """Chromium without a window, until the ``with`` ends."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for flag in (*FLAGS, f"--window-size={size[0]},{size[1]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(program("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


class Dashboard:
    """The page, as somebody sees it who looks at it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        """Go there."""
        self.driver.get(address)

    def until_live(self) -> None:
        """Return when it shows what the gateway does now."""
        eventually(lambda: self.text("connection") == "live", "the dashboard is live")

    def element(self, name: str) -> WebElement:
        """The one with that id."""
        return self.driver.find_element(By.ID, name)

    def text(self, name: str) -> str:
        """What the element of that id says."""
        return self.element(name).text

    def tile(self, name: str) -> str:
        """The figure that is shown large under that name."""
        return str(
            self.run(
                "return [...document.querySelectorAll('#tiles dt')].find(dt => dt.textContent === arguments[0])"
                ".nextElementSibling.textContent",
                name,
            )
        )

    def rows(self) -> dict[str, dict[str, str]]:
        """The table of backends as it is read: by address, the text under each header."""
        return {
            row["Backend"]: row
            for row in self.run(
                "const table = document.getElementById('backend-table');"
                "const names = [...table.tHead.rows[0].cells].map(cell => cell.innerText.replace(/ [↑↓]$/, ''));"
                "return [...table.tBodies[0].rows].map(row =>"
                " Object.fromEntries([...row.cells].map((cell, index) => [names[index], cell.innerText])));"
            )
        }

    def events(self) -> list[tuple[str, str, str]]:
        """What happened, to whom and why, the latest first."""
        rows = self.run(
            "return [...document.getElementById('event-table').tBodies[0].rows]"
            ".map(row => [...row.cells].slice(1).map(cell => cell.innerText));"
        )
        return [(what, who, why) for what, who, why in rows]

    def button(self, label: str) -> WebElement:
        """The one that a screen reader calls so."""
        return self.driver.find_element(By.CSS_SELECTOR, f'button[aria-label="{label}"]')

    def focused(self) -> str:
        """What a screen reader calls the element that has the focus."""
        return str(
            self.run(
                "const one = document.activeElement; return one.getAttribute('aria-label') ?? one.innerText ?? one.id"
            )
        )

    def press(self, key: str) -> None:
        """Press a key, whatever has the focus."""
        webdriver.ActionChains(self.driver).send_keys(key).perform()

    def tab_to(self, label: str, most: int = 60) -> None:
        """Go on with the tab key until what is called so has the focus."""
        for _ in range(most):
            if self.focused() == label:
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{label} is not reached within {most} tabs; the focus is at {self.focused()}")

    def look(self, theme: str) -> None:
        """Light or dark."""
        self.element("theme").find_element(By.CSS_SELECTOR, f"option[value={theme}]").click()

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is now."""
        self.run(AXE.read_text("utf-8"))
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")
        return [
            f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
            for each in found["violations"]
        ]

    def complaints(self) -> list[str]:
        """What the browser's console has of errors: scripts that failed, and what the policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def post(self, path: str, document: object, **fields: str) -> int:
        """The status that the page which is open now gets for a POST of its own; 0: it gets no answer to read."""
        return int(
            self.driver.execute_async_script(
                "const [path, body, headers, done] = arguments;"
                "fetch(path, {method: 'POST', body, headers}).then(answer => done(answer.status), () => done(0));",
                path,
                json.dumps(document),
                {"Content-Type": "application/json", **fields},
            )
        )

    def save(self, path: Path) -> None:
        """A picture of what is seen."""
        self.driver.save_screenshot(str(path))

    def run(self, script: str, *arguments: object) -> Any:
        """What *script* returns in the page."""
        return self.driver.execute_script(script, *arguments)
