"""One id finds a request at its backend, in its response, and in what the gateway says of it; on real sockets."""

import re
from pathlib import Path

from running import ask, eventually, free_ports, running


def test_one_id_finds_a_request_in_its_response_at_its_backend_and_among_the_last_picks(tmp_path: Path) -> None:
    port = free_ports(3)
    with running(["-n", "openprequal", f"--port={port}", "--demo=2", "--shadow-balancer=random"], tmp_path):
        rows = eventually(lambda: ask(port, "/backends").json["backends"], "backends are registered")
        eventually(lambda: all(row["up"] for row in ask(port, "/backends").json["backends"]), "they are up")
        answer = ask(port, "/x", headers={"X-OpenPrequal-Explain": "1"})
        assert answer.status == 200
        told = answer.headers["x-openprequal-explain"]
        (request_id,) = re.findall(r'request-id="([^"]+)"', told)
        (backend,) = re.findall(r'backend="([^"]+)"', told)
        assert backend in {row["url"] for row in rows}
        (found,) = ask(port, f"/_openprequal/explain?request_id={request_id}").json["last"]
        assert found["path"] == "/x"
        assert [attempt["backend"] for attempt in found["attempts"]] == [backend]
        (pick,) = ask(port, "/_openprequal/explain").json["picks"]
        assert pick["picked"] in {row["url"] for row in rows}
        assert sum(pick["shadow"]["same"].values()) == 1
