"""Which certificate is for a name: exact before wildcard, first before second, else the default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.tls.server_names import ServerNames

NAMES = ServerNames(
    "default",
    [
        ("default", ["www.example"]),
        ("wild", ["*.example", "a.b.example"]),
        ("exact", ["shop.example", "www.example"]),
        ("address", ["192.0.2.1"]),
    ],
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("shop.example", "exact"),
        ("SHOP.Example.", "exact"),
        ("other.example", "wild"),
        ("www.example", "default"),
        ("a.b.example", "wild"),
        ("c.b.example", "default"),
        ("example", "default"),
        ("*.example", "wild"),
        (None, "default"),
        ("", "default"),
    ],
)
def test_the_certificate_is_chosen_by_its_names(name: str | None, found: str) -> None:
    assert NAMES.find(name) == found


@given(st.text())
def test_any_name_finds_something(name: str) -> None:
    assert NAMES.find(name) in ("default", "wild", "exact", "address")
