"""Why do requests go where they go, at whichever worker? Each knows of its own."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred

from openprequal.admin.problems import Problem
from openprequal.admin.views import json_bytes
from openprequal.workers.crew import Crew
from openprequal.workers.framing import Message
from openprequal.workers.worker import Worker

Document = dict[str, Any]


def explained(explain: Callable[[bytes], dict[str, object]], query: bytes) -> Iterator[bytes]:
    """What a worker tells its parent of *query*, by what answers it in a gateway of one process."""
    try:
        told: dict[str, object] = {"document": explain(query)}
    except Problem as problem:
        told = {"problem": [problem.status, problem.detail, problem.field]}
    yield json_bytes(told)


def explained_by_all(crew: Crew, query: bytes) -> "Deferred[Document]":
    """What the workers say together: of the past all of them, the latest first; of a pick now the first of them.

    :raises Problem: (errback) none of them has another answer, or 503, none answers.
    """
    return crew.ask("explain", query).addCallback(_together)


def _together(answers: list[tuple[Worker, list[Message]]]) -> Document:
    told = [(worker.index, json.loads(message.payload)) for worker, messages in answers for message in messages]
    documents = [(index, each["document"]) for index, each in told if "document" in each]
    if not documents:
        for _, each in told:
            status, detail, about = each["problem"]
            raise Problem(status, detail, field=about)
        raise Problem(503, "no worker answers")
    index, first = documents[0]
    if "last" not in first:
        return {"worker": index, **first}
    # Of several workers each has as many as were asked for.
    most = max(len(document["last"]) for _, document in documents)
    rows = [{"worker": index, **row} for index, document in documents for row in document["last"]]
    return {**first, "last": sorted(rows, key=lambda row: row["at"], reverse=True)[:most]}
