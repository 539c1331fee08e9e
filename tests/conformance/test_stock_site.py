"""In a stock Site the gateway does what every case asks, but for those listed with their reason (integration)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .backend import Backend
from .case import Case
from .catalogue import CASES
from .gateways import stock_site
from .runner import Target, run
from .stock_site import CANNOT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-site.md"
REASONS = {name: reason for reason, names in CANNOT.items() for name in names}
SHORT_PATIENCE_S = 0.3
"""Most of what a Site cannot do shows in nothing happening; all that does happen is over loopback."""


@pytest.fixture(scope="module")
def site() -> Iterator[Target]:
    """The gateway's resource in a stock Site, in front of the scripted backend."""
    backend = Backend()
    try:
        with stock_site(backend) as target:
            yield target
    finally:
        backend.stop()


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in REASONS], ids=lambda case: case.name)
def test_a_stock_site_conforms(case: Case, site: Target) -> None:
    complaints = run(case, site).complaints
    assert complaints == [], case.section


@pytest.mark.parametrize("case", [case for case in CASES if case.name in REASONS], ids=lambda case: case.name)
def test_what_a_stock_site_cannot_do_is_still_so(case: Case, site: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.backend, "patience_s", SHORT_PATIENCE_S)
    assert run(case, site).complaints, f"it can: take it out of {REASONS[case.name]!r}"


def test_every_listed_case_exists() -> None:
    assert not set(REASONS) - {case.name for case in CASES}


def test_no_case_is_listed_twice() -> None:
    assert len(REASONS) == sum(len(names) for names in CANNOT.values())


@pytest.mark.parametrize("reason", CANNOT)
def test_every_reason_is_told_to_users(reason: str) -> None:
    assert f"**{reason}" in " ".join(PAGE.read_text("utf-8").split())
