"""``openprequal explain``: what it asks the gateway, and how it prints whatever is answered."""

from typing import Any

import pytest

from openprequal.cli.asking import GatewayClient, Refused
from openprequal.cli.commands import main
from openprequal.cli.explain import outline


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were asked for; all are answered with a document that repeats them."""
    paths: list[str] = []

    def may(self: GatewayClient, method: str, path: str, document: object = None) -> dict[str, Any]:
        if path.endswith("unknown"):
            raise Refused(404, "there is no service 'unknown'")
        paths.append(path)
        return {"asked": path}

    monkeypatch.setattr(GatewayClient, "may", may)
    return paths


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ([], ""),
        (["--service", "api"], "?service=api"),
        (["--path", "/a?b=c", "--method", "POST"], "?method=POST&path=%2Fa%3Fb%3Dc"),
        (["--header", "A: 1", "--header", "B: 2"], "?header=A%3A+1&header=B%3A+2"),
        (["--count", "5"], "?last=5"),
        (["--request-id", "r&d"], "?request_id=r%26d"),
    ],
)
def test_what_is_asked_about_is_in_the_query(options: list[str], query: str, asked: list[str]) -> None:
    assert main(["explain", *options]) == 0
    assert asked == [f"/_openprequal/explain{query}"]


def test_what_the_gateway_does_not_know_ends_with_one(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--service", "unknown"]) == 1
    assert capsys.readouterr().err == "openprequal: there is no service 'unknown'\n"


def test_any_document_can_be_told_as_an_outline() -> None:
    document = {"service": "default", "pool": [{"backend": "a", "rif": 1.0}, {"backend": "b", "rif": None}], "none": []}
    assert list(outline(document)) == [
        "service: default",
        "pool:",
        "  - backend: a",
        "    rif: 1",
        "  - backend: b",
        "    rif: -",
        "none: -",
    ]
