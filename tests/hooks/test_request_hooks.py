"""What request, response and path hooks may leave behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from openprequal.errors import HookFailed
from openprequal.hooks.request_hooks import HookRequest, HookResponse, path_for_hook, rewritten_path
from openprequal.interfaces import IHookRequest, IHookResponse
from openprequal.values import Backend

BACKEND = Backend(url="http://a.test:1")
FIELDS = [(b"Host", b"a.test"), (b"Content-Length", b"3")]


def request(method: bytes = b"GET", target: bytes = b"/a?b") -> HookRequest:
    return HookRequest(method, target, list(FIELDS), "192.0.2.1")


def response(status: int = 200) -> HookResponse:
    return HookResponse(status, list(FIELDS), BACKEND)


def test_the_request_provides_its_interface() -> None:
    verifyObject(IHookRequest, request())


def test_the_response_provides_its_interface() -> None:
    verifyObject(IHookResponse, response())


def test_what_was_not_touched_is_not_judged() -> None:
    request(b"CONNECT", b"a.test:443").check()
    HookResponse(101, [(b"upgrade", b"websocket")], BACKEND).check()


def test_the_method_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        request().method = b"POST"  # type: ignore[misc]


@pytest.mark.parametrize("target", [b"/", b"/x?y=z", b"//x", b"/\xc3\xbc"])
def test_a_target_that_may_be_sent(target: bytes) -> None:
    changed = request()
    changed.target = target
    changed.check()


@pytest.mark.parametrize(
    "target",
    [b"", b"x", b"*", b"http://evil.test/", b"/a b", b"/a\r\nX: y", b"/a\x00", b"/\x7f", b"/a#b", "/text", None],
)
def test_a_target_that_may_not_be_sent(target: object) -> None:
    changed = request()
    changed.target = target  # type: ignore[assignment]
    with pytest.raises(HookFailed):
        changed.check()


def test_the_asterisk_is_a_target_of_options() -> None:
    changed = request(b"OPTIONS")
    changed.target = b"*"
    changed.check()


@pytest.mark.parametrize("field", [(b"X-Tenant", b"7"), (b"x", b""), (b"x", b"a\tb"), (b"x", b"\xe9")])
@pytest.mark.parametrize("make", [request, response])
def test_a_field_that_may_be_added(make, field: tuple[bytes, bytes]) -> None:  # type: ignore[no-untyped-def]
    changed = make()
    changed.fields.append(field)
    changed.check()


@pytest.mark.parametrize(
    "field",
    [
        (b"", b"x"),
        (b"a b", b"x"),
        (b"a:", b"x"),
        (b"a\r\n", b"x"),
        (b"a", b"x\r\ny: z"),
        (b"a", b"x\n"),
        (b"a", b"x\r"),
        (b"a", b"\x00"),
        ("a", "x"),
        (b"a", 1),
        (b"a",),
        (b"a", b"x", b"y"),
        b"ab",
        None,
        (b"Transfer-Encoding", b"chunked"),
        (b"CONTENT-LENGTH", b"3"),
        (b"Connection", b"close"),
        (b"Upgrade", b"h2c"),
    ],
)
@pytest.mark.parametrize("make", [request, response])
def test_a_field_that_may_not_be_added(make, field: object) -> None:  # type: ignore[no-untyped-def]
    changed = make()
    changed.fields.append(field)
    with pytest.raises(HookFailed):
        changed.check()


@pytest.mark.parametrize("make", [request, response])
def test_the_length_of_the_body_cannot_be_taken_away(make) -> None:  # type: ignore[no-untyped-def]
    changed = make()
    del changed.fields[1]
    with pytest.raises(HookFailed):
        changed.check()


def test_the_fields_stay_a_list() -> None:
    changed = request()
    changed.fields = {b"a": b"b"}  # type: ignore[assignment]
    with pytest.raises(HookFailed):
        changed.check()


@pytest.mark.parametrize("status", [200, 299, 404, 599])
def test_a_status_that_may_be_sent(status: int) -> None:
    changed = response()
    changed.status = status
    changed.check()


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600, 204, 304, "200", 200.0, True, None])
def test_a_status_that_may_not_be_sent(status: object) -> None:
    changed = response(500)
    changed.status = status  # type: ignore[assignment]
    with pytest.raises(HookFailed):
        changed.check()


def test_a_response_without_content_cannot_be_given_a_status_with_content() -> None:
    changed = HookResponse(204, [], BACKEND)
    changed.status = 200
    with pytest.raises(HookFailed):
        changed.check()


@given(st.binary())
def test_a_path_that_comes_back_unchanged_is_byte_for_byte_the_same(tail: bytes) -> None:
    path = b"/" + tail
    try:
        assert rewritten_path(path_for_hook(path)) == path
    except HookFailed:
        assert any(byte <= 0x20 or byte in b"\x7f?#" for byte in tail)


@pytest.mark.parametrize(
    "result", [None, b"/x", "", "x", "/a b", "/a\r\n", "/a?b", "/a#b", "http://evil.test/", "/\ud800"]
)
def test_a_path_that_may_not_be_sent(result: object) -> None:
    with pytest.raises(HookFailed):
        rewritten_path(result)
