"""Checks before real backends: a file of passwords, a server of keys, and a server that judges."""

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import bcrypt
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from running import ask, eventually, gateway, post, up

SETTINGS = """
[checks.staff]
kind = "basic"
users_file = "users"
user_header = "X-User"

[checks.api]
kind = "jwt"
jwks_url = "http://127.0.0.1:{keys}/jwks"
issuer = "https://issuer.test"
audience = "api"
claim_headers = {{ sub = "X-User" }}

[checks.portal]
kind = "forward"
url = "http://127.0.0.1:{judge}/verify"
response_headers = ["X-User"]

[[routes]]
name = "staff"
path_prefix = "/staff"
checks = ["staff"]

[[routes]]
name = "api"
path_prefix = "/api"
checks = ["api"]

[[routes]]
name = "portal"
path_prefix = "/portal"
checks = ["portal"]

[[routes]]
name = "rest"
"""


class Server:
    """Answers in threads; what it was asked is kept.

    :ivar asked: method, path and fields (lower case) of each request.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.closed = False
        outer = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                fields = {name.lower(): value for name, value in self.headers.items()}
                self.rfile.read(int(fields.get("content-length", 0)))
                if outer.closed:  # on a connection that was kept
                    self.close_connection = True
                    return
                outer.asked.append((self.command, self.path, fields))
                status, headers, content = outer.answer(self.path, fields)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path: str, fields: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json"}, json.dumps(fields).encode()

    def close(self) -> None:
        self.closed = True
        self._server.shutdown()
        self._server.server_close()


class Keys(Server):
    """Publishes a key."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        super().__init__()

    def answer(self, path: str, fields: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        public = jwt.get_algorithm_by_name("RS256").to_jwk(self.key.public_key(), as_dict=True)
        content = json.dumps({"keys": [{**public, "kid": "k1", "use": "sig", "key_ops": ["verify"]}]}).encode()
        return 200, {"Cache-Control": "max-age=3600"}, content

    def token(self, **claims: Any) -> dict[str, str]:
        said = {"iss": "https://issuer.test", "aud": "api", "sub": "ann", "exp": time.time() + 60, **claims}
        return {"Authorization": "Bearer " + jwt.encode(said, self.key, "RS256", {"kid": "k1"})}


class Judge(Server):
    """Knows one session."""

    def answer(self, path: str, fields: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if fields.get("cookie") == "session=ann":
            return 200, {"X-User": "ann"}, b""
        return 302, {"Location": "https://login.test/?to=" + fields["x-forwarded-uri"], "X-Inner": "1"}, b"log in"


class Case:
    def __init__(self, folder: Path, port: int, keys: Keys, judge: Judge, backend: Server) -> None:
        self.folder, self.port, self.keys, self.judge, self.backend = folder, port, keys, judge, backend

    def user(self, path: str, headers: dict[str, str], method: str = "GET", body: str | None = None) -> Any:
        """Whom the backend believes to be asked by; else the status of the refusal."""
        answer = ask(self.port, path, method, body, headers)
        return answer.json["x-user"] if answer.status == 200 else answer.status


def password(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("checks")
    with contextlib.ExitStack() as stack:
        keys, judge, backend = Keys(), Judge(), Server()
        for server in (keys, judge, backend):
            stack.callback(server.close)
        (folder / "gateway.toml").write_text(SETTINGS.format(keys=keys.port, judge=judge.port))
        (folder / "users").write_text("ann:" + bcrypt.hashpw(b"secret", bcrypt.gensalt(6)).decode() + "\n")
        _, port = stack.enter_context(gateway(folder, "--config=gateway.toml"))
        assert post(port, "/register", {"url": f"http://127.0.0.1:{backend.port}"}).status in (200, 201)
        eventually(lambda: up(port, 1), "the backend is up")
        yield Case(folder, port, keys, judge, backend)


def test_a_user_is_let_in_by_password(case: Case) -> None:
    assert case.user("/staff", password("ann", "secret")) == "ann"
    assert case.user("/staff", {**password("ann", "secret"), "X-User": "admin"}) == "ann"
    refused = ask(case.port, "/staff", headers=password("ann", "wrong"))
    assert (refused.status, refused.headers["www-authenticate"][:12]) == (401, "Basic realm=")


def test_passwords_tried_as_fast_as_can_be_keep_nobody_else_waiting(case: Case) -> None:
    case.user("/staff", password("ann", "secret"))
    with ThreadPoolExecutor(40) as threads:
        tries = [threads.submit(case.user, "/staff", password("ann", str(number))) for number in range(200)]
        assert case.user("/staff", password("ann", "secret")) == "ann"
        assert ask(case.port, "/rest").status == 200
        assert {each.result() for each in tries} <= {401, 503}


def test_a_changed_file_of_users_is_noticed(case: Case) -> None:
    hashed = bcrypt.hashpw(b"new", bcrypt.gensalt(4)).decode()
    with (case.folder / "users").open("a") as file:
        file.write(f"bob:{hashed}\n")
    eventually(lambda: case.user("/staff", password("bob", "new")) == "bob", "the new user is known")


def test_a_token_is_believed_by_the_published_key(case: Case) -> None:
    assert case.user("/api", case.keys.token()) == "ann"
    assert case.user("/api", case.keys.token(sub="bob"), "POST", "body") == "bob"
    assert case.user("/api", case.keys.token(aud="other")) == 401
    assert case.user("/api", case.keys.token(exp=time.time() - 60)) == 401
    assert case.user("/api", {}) == 401
    assert len(case.keys.asked) == 1


def test_the_judge_says_who_it_is_and_never_sees_a_body(case: Case) -> None:
    before = len(case.judge.asked)
    assert case.user("/portal/a?b", {"Cookie": "session=ann", "X-User": "admin"}, "POST", "body") == "ann"
    method, path, fields = case.judge.asked[before]
    assert (method, path) == ("GET", "/verify")
    assert (fields["x-forwarded-method"], fields["x-forwarded-uri"]) == ("POST", "/portal/a?b")
    assert (fields["x-forwarded-for"], fields["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert "content-length" not in fields


def test_the_judges_other_answers_are_the_clients(case: Case) -> None:
    answer = ask(case.port, "/portal/a?b")
    assert (answer.status, answer.body) == (302, b"log in")
    assert answer.headers["location"] == "https://login.test/?to=/portal/a?b"
    assert "x-inner" not in answer.headers


def test_while_the_others_are_away_tokens_are_believed_and_sessions_are_not(case: Case) -> None:
    assert case.user("/api", case.keys.token()) == "ann"
    case.keys.close()
    case.judge.close()
    assert case.user("/api", case.keys.token(sub="bob")) == "bob"
    eventually(lambda: case.user("/portal", {"Cookie": "session=ann"}) == 503, "nobody is let in unjudged")
