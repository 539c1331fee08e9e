"""A balancer and hooks of the user's own, found by dotted path in the directory where the command is started."""

from pathlib import Path

from running import ask, backend, backends, eventually, gateway, post, up

MINE = '''
from random import Random

from openprequal.balancing.round_robin import RoundRobin
from openprequal.errors import RegistrationRefused
from openprequal.interfaces import HookAnswer, IBalancer
from twisted.internet import reactor
from twisted.internet.task import deferLater
from zope.interface import implementer

unregistered = []


@implementer(IBalancer)
class Mine(RoundRobin):
    """Round robin under another name."""


def only_local(backend):
    if backend.host != "localhost":
        raise RegistrationRefused("only localhost here", field="url", status=403)


async def gone(backend):
    unregistered.append(backend.url)


def versioned(path):
    return path.removeprefix("/v1")


async def checked(request):
    await deferLater(reactor, 0.01, lambda: None)
    if request.target == b"/teapot":
        raise HookAnswer(418, b"short and stout")
    if request.target == b"/broken":
        raise ValueError("a bug in the hook")
    request.fields.append((b"X-Checked", b"yes"))


def branded(request, response):
    response.fields.append((b"X-Gone", b",".join(url.encode() for url in unregistered) or b"nobody"))
'''

FLAGS = (
    "--load-balancer-class=mine.Mine",
    "--custom-register-hook=mine.only_local",
    "--custom-unregister-hook=mine.gone",
    "--custom-path-rewrite=mine.versioned",
    "--custom-request-hook=mine.checked",
    "--custom-response-hook=mine.branded",
)


def test_user_modules_of_the_working_directory_are_used(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    with gateway(tmp_path, *FLAGS) as (_, port), backend(tmp_path, port) as (_, one):
        with backend(tmp_path, port) as (_, two):
            eventually(lambda: up(port, 2), "both backends are up")
            answers = [ask(port, "/v1/path?q=1") for _ in range(4)]
            # Round robin: each in turn; the path was rewritten, the query kept.
            names = [answer.body for answer in answers]
            assert sorted(names) == sorted([b"backend-%d GET /path?q=1\n" % which for which in (one, two)] * 2)
            assert names[0] != names[1]
            assert answers[0].headers["x-gone"] == "nobody"
        # The second left: the unregister hook, a coroutine, was told.
        assert ask(port).headers["x-gone"] == f"http://localhost:{two}"
        refused = post(port, "/register", {"url": "http://127.0.0.1:9"})
        assert (refused.status, refused.json["detail"]) == (403, "only localhost here")
        assert len(backends(port)) == 1


def test_a_hook_answers_itself_and_one_that_fails_costs_one_clean_500(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    with gateway(tmp_path, *FLAGS) as (command, port), backend(tmp_path, port):
        eventually(lambda: up(port, 1), "the backend is up")
        answer = ask(port, "/teapot")
        assert (answer.status, answer.body) == (418, b"short and stout")
        broken = ask(port, "/broken")
        assert broken.status == 500
        assert b"bug" not in broken.body
        assert "a bug in the hook" in command.output
        assert ask(port).status == 200
        assert b'openprequal_hook_failures_total{hook="mine.checked"} 1.0' in ask(port, "/metrics").body
