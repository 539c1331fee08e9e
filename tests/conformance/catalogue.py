"""Every case there is, in one list."""

from . import chunked_requests, connections, duties, framing_requests, framing_responses, heads, kinds, transparency
from .case import Case

TOPICS = {
    "framing of requests": framing_requests.CASES,
    "chunked requests": chunked_requests.CASES,
    "heads": heads.CASES,
    "transparency": transparency.CASES,
    "duties": duties.CASES,
    "framing of responses": framing_responses.CASES,
    "kinds of messages": kinds.CASES,
    "connections": connections.CASES,
}

CASES: list[Case] = [case for cases in TOPICS.values() for case in cases]
