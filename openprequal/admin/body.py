"""What did a caller send, if it may be read at all? JSON in the body, a number in the query."""

import json
from typing import Any

from twisted.web.http_headers import Headers
from twisted.web.iweb import IRequest

from openprequal.admin.problems import Problem

MAX_BYTES = 64 * 1024
"""A registration is some hundred bytes; the frontend bounds what it buffers by the same figure."""


MAX_DIGITS = 18


def json_body(request: IRequest) -> object:
    """The JSON value in the body of *request*.

    :raises Problem: 415 not ``application/json``, 413 over :data:`MAX_BYTES`, 400 not JSON (RFC 8259) or a name twice.
    """
    _check_type(request.requestHeaders)
    body: bytes = request.content.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise Problem(413, f"the body may have {MAX_BYTES} bytes")
    return parse_json(body)


def parse_json(body: bytes) -> object:
    """The JSON value that *body* is, in UTF-8.

    :raises Problem: 400; it is not JSON, or says something twice, so that two readers could differ.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Problem(400, f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:  # a number of more digits than Python converts
        raise Problem(400, "the body holds a number that is too long") from None


def number_in_query(request: IRequest, name: bytes) -> int:
    """The whole number that the query gives *name*; 0 if it says nothing of it.

    :raises Problem: 400, it is none, or too large to be meant.
    """
    values: list[bytes] = request.args.get(name, [b"0"])
    if len(values) != 1 or not values[0].isdigit() or len(values[0]) > MAX_DIGITS:
        told = name.decode("ascii")
        raise Problem(400, f"{told}: must be a whole number of at least 0, once", field=told)
    return int(values[0])


def _check_type(headers: Headers) -> None:
    if headers.hasHeader(b"content-encoding"):
        raise Problem(415, "an encoded body is not taken", field="Content-Encoding")
    values = headers.getRawHeaders(b"content-type", [])
    if len(values) == 1:
        media_type, *parameters = [part.strip().lower() for part in values[0].split(b";")]
        utf8 = (b"", b"charset=utf-8", b'charset="utf-8"')
        if media_type == b"application/json" and all(parameter in utf8 for parameter in parameters):
            return
    raise Problem(415, "must be application/json", field="Content-Type", headers={b"accept": b"application/json"})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(400, f"{ascii(twice)[:60]} is there twice", field=twice[:60])
    return members


def _no_constant(name: str) -> object:
    raise Problem(400, f"{name} is not JSON")
