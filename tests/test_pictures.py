"""The pictures of docs/prequal.md are what the shipped classes did, and its words are true of them."""

import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "pictures.py"))


@pytest.mark.parametrize("name", sorted(path.stem for path in (DOCS / "pictures").glob("*.svg")))
def test_a_picture_is_what_the_script_draws(script: dict[str, Any], name: str) -> None:
    assert (DOCS / "pictures" / f"{name}.svg").read_text("utf-8") == str(script["PICTURES"][name]()), (
        "run docs/pictures.py"
    )


def test_every_picture_is_drawn_and_shown(script: dict[str, Any]) -> None:
    page = (DOCS / "prequal.md").read_text("utf-8")
    drawn = {path.stem for path in (DOCS / "pictures").iterdir()}
    assert drawn == script["PICTURES"].keys()
    assert not [name for name in drawn if f"(pictures/{name}.svg)" not in page]


def test_the_two_rules_choose_as_the_page_says(script: dict[str, Any]) -> None:
    seen, _ = script["plane"]()
    (cold,) = [each for each in seen.pool if each.id == seen.picked]
    blended = script["blended_choice"](seen)
    assert (len(seen.pool), round(cold.rif), round(cold.latency_s * 1000)) == (16, 2, 36)
    assert (round(blended.rif, 1), round(blended.latency_s * 1000)) == (1.3, 40)


def test_the_rif_leads_as_the_page_says(script: dict[str, Any]) -> None:
    rifs, latencies = script["lead"]()
    changed = round(script["CHANGE_S"] / script["BIN_S"])
    in_40_ms = slice(changed, changed + 2)
    assert max(rifs[in_40_ms]) > 1.3
    assert max(latencies[in_40_ms]) < 1.05
    assert all(rif > latency for rif, latency in zip(rifs[changed:], latencies[changed:], strict=True))
