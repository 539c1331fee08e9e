"""What the gateway cannot do as a resource in a stock Site: every case of which that is true, under its reason."""

CANNOT: dict[str, tuple[str, ...]] = {
    "A request goes to a backend only when its whole body is there": (
        "length malformed: over 63 bits",
        "length malformed: over 64 bits",
        "length malformed: hundreds of digits",
        "chunk: size over 64 bits",
        "chunk: size of all ones in 64 bits",
        "early answer while the request body is still to come",
        "early answer and close while the request body is still to come",
        "stream: a request reaches the backend before its body is whole",
        "stream: a chunked request reaches the backend before its body is whole",
        "a client that goes away within its body frees the backend",
    ),
    "The Site answers `Expect: 100-continue` itself": ("expect: a final answer instead of 100",),
    "1xx responses of a backend are dropped": (
        "1xx: 103 is passed on",
        "1xx: 103 twice is passed on twice",
        "1xx: 102 is passed on",
        "1xx: an unknown 1xx is passed on",
        "1xx: 100 and 103 are passed on",
        "1xx: 103 and the final one in one piece",
        "1xx: 103 arrives before the final response is there",
    ),
    "Trailers are dropped": (
        "chunk: trailers are passed on",
        "trailers of a response are passed on",
    ),
    "An upgrade is stripped": (
        "upgrade: a WebSocket tunnel, both ways",
        "upgrade: bytes of the backend right behind its 101",
        "upgrade: the tunnel carries what looks like HTTP",
        "upgrade: a tunnel the backend closes",
        "upgrade: names in other case",
    ),
    "Names of fields lose their case, and fields their order": (
        "request fields keep order and case",
        "response fields keep order, case and repetition",
    ),
    "HTTP/1.0 connections are not kept alive": ("1.0: kept alive when it asks, and told so",),
    "The Site answers the target `*` itself": (
        "target: OPTIONS *",
        "line: asterisk with GET",
    ),
    "A head over the Site's limit is not answered, or with another status": (
        "limit: a request line of 100 KiB",
        "limit: a header block over 32 KiB in one field",
    ),
    "Folded fields are joined": (
        "transfer coding: a folded chunked",
        "field: folded with a space",
        "field: folded with a tab",
        "field: folded to an empty line",
    ),
    "A lone LF where CRLF must be keeps the Site waiting": (
        "chunk: the whole ended by LF",
        "chunk: a trailer ended by LF",
        "line: ended by LF alone",
        "field: the head ended by LF",
    ),
    "Chunk extensions and trailers are thrown away unread": (
        "chunk: an unclosed quoted extension",
        "chunk: a trailer with a space before its colon",
        "chunk: a trailer without a colon",
        "chunk: a folded trailer",
        "chunk: a trailer with a NUL",
    ),
}
