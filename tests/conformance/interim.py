"""1xx responses and Expect (RFC 9110 sections 10.1.1 and 15.2)."""

from .case import HOST, Act, Answer, Case, Ends, Hears, Look, Seen
from .phrases import CHUNKED, DONE, EARLY_HINTS, GET, message

POST5 = (b"POST / HTTP/1.1", HOST, b"Content-Length: 5")
EXPECTS = (*POST5, b"Expect: 100-continue")
CONTINUE = message(b"HTTP/1.1 100 Continue")
INTERIM = "RFC 9110 15.2"
EXPECT = "RFC 9110 10.1.1"


def with_interim(name: str, *script: bytes | Act, interim: tuple[int, ...], section: str = INTERIM) -> Case:
    """1xx responses before the final one."""
    return Case(
        f"1xx: {name}",
        section,
        (GET,),
        (Answer((200,), Look(body=b"ok"), interim=interim),),
        Ends.OPEN,
        replies=((Act.BODY, *script),),
    )


CASES: list[Case] = [
    with_interim("103 is passed on", EARLY_HINTS, DONE, interim=(103,)),
    with_interim("103 twice is passed on twice", EARLY_HINTS, EARLY_HINTS, DONE, interim=(103, 103)),
    with_interim("102 is passed on", message(b"HTTP/1.1 102 Processing"), DONE, interim=(102,)),
    with_interim("an unknown 1xx is passed on", message(b"HTTP/1.1 199 What"), DONE, interim=(199,)),
    with_interim("100 and 103 are passed on", CONTINUE, EARLY_HINTS, DONE, interim=(100, 103)),
    with_interim("103 and the final one in one piece", EARLY_HINTS + DONE, interim=(103,)),
    Case(
        "1xx: 103 arrives before the final response is there",
        INTERIM,
        (GET, Hears(b"103 Early Hints"), Act.OPEN),
        (Answer((200,), interim=(103,)),),
        Ends.OPEN,
        replies=((Act.BODY, EARLY_HINTS, Act.GATE, DONE),),
    ),
    Case(
        "1xx: 103 of a backend that then closes",
        INTERIM,
        (GET,),
        (Answer((502,)),),
        replies=((Act.BODY, EARLY_HINTS, Act.CLOSE),),
    ),
    Case(
        "expect: 100 comes from the backend before the body is sent",
        EXPECT,
        (message(*EXPECTS), Hears(b"100 Continue"), b"hello"),
        (Answer((200,), interim=(100,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello")),),
    ),
    Case(
        "expect: a client that does not wait",
        EXPECT,
        (message(*EXPECTS, body=b"hello"),),
        (Answer((200,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
        seen=(Seen(b"POST / HTTP/1.1", Look(body=b"hello")),),
    ),
    Case(
        "expect: a final answer instead of 100",
        EXPECT,
        (message(*EXPECTS), Hears(b"417")),
        (Answer((417,)),),
        replies=((message(b"HTTP/1.1 417 No", b"Content-Length: 0", b"Connection: close"),),),
    ),
    Case(
        "expect: a chunked body after 100",
        EXPECT,
        (
            message(b"PUT / HTTP/1.1", HOST, CHUNKED, b"Expect: 100-continue"),
            Hears(b"100 Continue"),
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
        (Answer((200,), interim=(100,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
        seen=(Seen(b"PUT / HTTP/1.1", Look(body=b"hello")),),
    ),
    Case(
        "expect: in capitals",
        EXPECT,
        (message(*POST5, b"Expect: 100-CONTINUE"), Hears(b"100 Continue"), b"hello"),
        (Answer((200,), interim=(100,)),),
        Ends.OPEN,
        replies=((CONTINUE, Act.BODY, DONE),),
    ),
    Case(
        "expect: something unknown is refused or passed on",
        EXPECT,
        (message(*POST5, b"Expect: miracles", body=b"hello"),),
        (Answer((200, 417)),),
    ),
    Case(
        "expect: a client of HTTP/1.0 gets no 100",
        EXPECT,
        (message(b"POST / HTTP/1.0", HOST, b"Content-Length: 5", b"Expect: 100-continue", body=b"hello"),),
        (Answer((200,), interim=()),),
        Ends.CLOSED,
        replies=((CONTINUE, Act.BODY, DONE),),
    ),
]
