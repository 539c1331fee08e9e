"""How does an error look to the client?"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.errors import BadRequest, ConfigurationError, NoBackend
from openprequal.forwarding.error_pages import MAX_BYTES, ErrorPages, read_error_pages
from openprequal.http1.request import RequestHead, parse_request_head

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE = "<p>{{status}} {{ reason }} <code>{{request_id}}</code>"
PAGES = ErrorPages({"503.html": PAGE, "5xx.html": "any", "4xx.json": '{"why": "{{reason}}", "id": "{{request_id}}"}'})


def head(**fields: str) -> RequestHead:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return parse_request_head("\r\n".join(["GET / HTTP/1.1", "Host: a", *lines]).encode("latin-1"), "192.0.2.1")


def shown(pages: ErrorPages, error: Exception, request: RequestHead | None) -> tuple[str, str]:
    """Content type and content."""
    fields, content = pages.answer(error, request)  # type: ignore[arg-type]
    named = {field.key: field.value for field in fields}
    assert int(named[b"content-length"]) == len(content)
    assert named[b"cache-control"] == b"no-store"
    return named[b"content-type"].decode(), content.decode()


def test_without_pages_everybody_gets_a_problem_document() -> None:
    kind, content = shown(ErrorPages(), NoBackend("why"), head(Accept=BROWSER))
    assert kind == "application/problem+json"
    assert json.loads(content) == {"type": "about:blank", "title": "No backend available", "status": 503}


def test_a_browser_gets_the_page() -> None:
    kind, content = shown(PAGES, NoBackend("why"), head(Accept=BROWSER, X_Request_Id="r-7"))
    assert (kind, content) == ("text/html; charset=utf-8", "<p>503 No backend available <code>r-7</code>")


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/problem+json", "text/html;q=0.1, application/json", ""]
)
def test_a_program_gets_a_problem_document(accept: str | None) -> None:
    request = head() if accept is None else head(Accept=accept)
    assert shown(PAGES, NoBackend("why"), request)[0] == "application/problem+json"


def test_a_request_that_could_not_be_read_gets_what_programs_get() -> None:
    assert shown(PAGES, NoBackend("why"), None)[0] == "application/problem+json"
    assert shown(PAGES, BadRequest("why"), None) == (
        "application/json; charset=utf-8",
        '{"why": "Bad request", "id": ""}',
    )


def test_a_status_without_a_page_of_its_own_gets_that_of_its_class() -> None:
    error = NoBackend("why")
    error.status = 502  # type: ignore[misc]
    assert shown(PAGES, error, head(Accept="text/html"))[1] == "any"


def test_the_id_that_a_backend_saw_is_shown_where_the_client_brought_none() -> None:
    error = NoBackend("why")
    error.request_id = b"0a-1"
    assert "<code>0a-1</code>" in shown(PAGES, error, head(Accept="text/html"))[1]


def test_what_a_client_sent_cannot_become_part_of_the_page() -> None:
    kind, content = shown(PAGES, NoBackend("why"), head(Accept="text/html", X_Request_Id='<script>"&{{status}}'))
    assert "<code>&lt;script&gt;&quot;&amp;{{status}}</code>" in content
    assert kind.startswith("text/html")


def test_the_cause_is_never_shown() -> None:
    for accept in ("text/html", "*/*"):
        assert "10.0.0.1" not in shown(PAGES, NoBackend("10.0.0.1 refused"), head(Accept=accept))[1]


def test_a_client_is_told_when_to_come_again_on_a_page_too() -> None:
    fields, _ = PAGES.answer(NoBackend("why"), head(Accept="text/html"))
    assert b"retry-after" in {field.key for field in fields}


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80))
def test_no_accept_field_and_no_id_makes_it_stumble(text: str) -> None:
    for request in (head(Accept=text), head(Accept="text/html", X_Request_Id=text)):
        shown(PAGES, NoBackend("why"), request)
    content = shown(PAGES, BadRequest("why"), head(X_Request_Id=text))[1]
    json.loads(content)


# ---- the directory --------------------------------------------------------------------------------------------------

Refused = Callable[[str, bytes], str]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """What is said of a directory that holds a file of that name and content."""

    def read(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigurationError) as error:
            read_error_pages(str(tmp_path))
        assert str(tmp_path / name) in str(error.value)
        assert str(error.value).startswith("error_pages: ")
        return str(error.value)

    return read


def test_pages_are_read_from_a_directory(tmp_path: Path) -> None:
    (tmp_path / "503.html").write_text("closed")
    (tmp_path / ".hidden").write_text("{{ whatever")
    assert shown(read_error_pages(str(tmp_path)), NoBackend("why"), head(Accept="text/html"))[1] == "closed"


@pytest.mark.parametrize("name", ["50x.html", "503.htm", "200.html", "503", "3xx.html"])
def test_a_name_that_says_no_status_is_refused(name: str, refused: Refused) -> None:
    assert "must be named like" in refused(name, b"")


def test_a_page_that_is_too_large_is_refused(refused: Refused) -> None:
    assert "65536 bytes" in refused("503.html", b"a" * (MAX_BYTES + 1))


def test_a_placeholder_that_nobody_fills_is_refused(refused: Refused) -> None:
    assert "'backend'" in refused("503.html", b"{{ backend }}")


def test_a_json_page_that_is_not_json_is_refused(refused: Refused) -> None:
    assert "is not JSON" in refused("503.json", b'{"why": {{reason}} oops}')


def test_a_page_in_another_encoding_is_refused(refused: Refused) -> None:
    assert "UTF-8" in refused("503.html", b"\xff")


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_error_pages(str(tmp_path / "none"))
