"""How is a running gateway asked, and what is said if it does not answer?"""

import argparse
import json
import os
import socket
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import SplitResult, urlsplit

from attrs import field, frozen

from openprequal.config.sources import GATEWAY_VARIABLE
from openprequal.config.tokens import TOKEN_ALLOWED, is_token, lines_of
from openprequal.errors import ConfigurationError

DEFAULT: Final = "http://127.0.0.1:8000"
TIMEOUT_S: Final = 5.0
TOKEN_VARIABLE: Final = "OPENPREQUAL_TOKEN"
ELSEWHERE: Final = "if its admin API is elsewhere (--admin-port, --admin-listen), say --gateway"


class NoAnswer(Exception):
    """The gateway is not there, says nothing that could be understood, or nothing to us."""


class Refused(Exception):
    """The gateway's answer is no.

    :ivar status: of the response.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@frozen
class GatewayClient:
    """Asks the admin API of one gateway, a connection for each question.

    It goes where it was told to: through no proxy of the environment, which would get to see the token.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S

    def get(self, path: str) -> dict[str, Any]:
        """The document that *path* answers.

        :raises NoAnswer: there is none.
        """
        status, body = self._ask("GET", path, None)
        return self._document(path, status, body) if status == 200 else self._no_answer(path, status)

    def text(self, path: str) -> str:
        """The same where it is no JSON."""
        status, body = self._ask("GET", path, None)
        return body.decode("utf-8", "replace") if status == 200 else self._no_answer(path, status)

    def may(self, method: str, path: str, document: object = None) -> dict[str, Any]:
        """Ask for something that the gateway may refuse.

        :raises NoAnswer: it does not say.
        :raises Refused: it does.
        """
        status, body = self._ask(method, path, document)
        told = self._document(path, status, body)
        if status == 200:
            return told
        raise Refused(status, str(told.get("detail") or told.get("title")))

    def _ask(self, method: str, path: str, document: object) -> tuple[int, bytes]:
        fields = {"Accept": "application/json, text/plain"}
        if self.token is not None:
            fields["Authorization"] = f"Bearer {self.token}"
        content = None
        if document is not None:
            content = json.dumps(document)
            fields["Content-Type"] = "application/json"
        try:
            with closing(self._connection()) as connection:
                connection.request(method, path, content, fields)
                response = connection.getresponse()
                status, body = response.status, response.read()
        except TimeoutError:
            raise NoAnswer(f"{self.url} did not answer within {self.timeout_s:g} s") from None
        except (OSError, HTTPException, UnicodeError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NoAnswer(f"{self.url} does not answer: {why}") from None
        if status == 403:
            raise NoAnswer(f"{self.url} lets nobody in but who may: {_reason(body)}. {self._what_opens()}")
        return status, body

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path, self.timeout_s)
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return make(parts.hostname or "", parts.port, timeout=self.timeout_s)

    def _what_opens(self) -> str:
        if self.token is not None:
            return "The token that was sent is none of its tokens, or it takes none from this address"
        return f"Its token goes into {TOKEN_VARIABLE} or --token-file"

    def _document(self, path: str, status: int, body: bytes) -> dict[str, Any]:
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        return document if isinstance(document, dict) else self._no_answer(path, status)

    def _no_answer(self, path: str, status: int) -> NoReturn:
        raise NoAnswer(f"{self.url}{path} answers {status}, not as a gateway does; {ELSEWHERE}")


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, TypeError, KeyError):
        return "it does not say why"


def add_gateway_options(command: argparse.ArgumentParser) -> None:
    """The options of all that ask a gateway."""
    command.add_argument(
        "--gateway",
        metavar="URL",
        default=os.environ.get(GATEWAY_VARIABLE) or DEFAULT,
        help=f"the gateway's admin API, also https://… or unix:///path; else {GATEWAY_VARIABLE}, else {DEFAULT}",
    )
    command.add_argument(
        "--token-file",
        metavar="FILE",
        default=os.environ.get(f"{TOKEN_VARIABLE}_FILE") or None,
        help=f"holds the token to send; else {TOKEN_VARIABLE} or {TOKEN_VARIABLE}_FILE",
    )
    command.add_argument("--json", action="store_true", help="for programs")


def client_of(options: argparse.Namespace) -> GatewayClient:
    """Asks the gateway that *options* and environment say.

    :raises ConfigurationError: they say none, or no token.
    """
    return GatewayClient(_gateway_url(options.gateway), _token(options.token_file))


def _gateway_url(text: str) -> str:
    wrong = ConfigurationError(f"--gateway: {text!r} must be a URL like {DEFAULT}, https://host or unix:///path")
    try:
        parts: SplitResult = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
        return text
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise wrong
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise wrong
    return f"{parts.scheme}://{parts.netloc}"


def _token(file: str | None) -> str | None:
    """The one to send; None: none was given."""
    where, tokens = TOKEN_VARIABLE, [each.strip() for each in os.environ.get(TOKEN_VARIABLE, "").split(",")]
    if file is not None:
        where = file
        try:
            tokens = lines_of(Path(file).read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: cannot be read: {getattr(error, 'strerror', 'is not UTF-8')}") from None
    elif not any(tokens):
        return None
    if not tokens or not is_token(tokens[0]):
        raise ConfigurationError(f"{where}: must be {TOKEN_ALLOWED}")
    return tokens[0]
