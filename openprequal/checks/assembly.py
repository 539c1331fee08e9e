"""The checks that the settings name, made and looked after."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, _HTTP11ClientFactory
from twisted.web.http_headers import Headers

from openprequal.checks.asking import Answer, ask
from openprequal.checks.basic import BasicCheck
from openprequal.checks.bearer import BearerCheck, TokenRules
from openprequal.checks.extra import library
from openprequal.checks.forward import ForwardCheck
from openprequal.checks.key_sources import FetchedKeys, FixedKeys, KeysInFile, KeySource
from openprequal.checks.keys import KeySet, parse_key_set, secret_key
from openprequal.checks.passwords import parse_passwords
from openprequal.checks.verdict import Check
from openprequal.checks.verifications import Verifications
from openprequal.checks.watched_file import WatchedFile
from openprequal.config.checks import AnyCheck, BasicCheckSettings, ForwardCheckSettings, JwtCheckSettings
from openprequal.errors import ConfigurationError
from openprequal.http1.request import RequestHead
from openprequal.tls.trust_root import trust_root

CONNECT_TIMEOUT_S = 5.0
MOST_IDLE = 64
"""Connections kept to each server that is asked."""

Told = Callable[[RequestHead], Sequence[tuple[bytes, bytes]] | None]
Made = Mapping[str, Check]


class _QuietFactory(_HTTP11ClientFactory):
    """Two log lines a connection say nothing."""

    noisy = False


class Checks:
    """Makes checks; those whose settings stay the same stay when the settings are read again, with what they know.

    :ivar refusals: requests refused, by the check's name and why.
    """

    def __init__(
        self, reactor: Any, *, wall_clock: Callable[[], float], secret: bytes, environ: Mapping[str, str]
    ) -> None:
        """
        :param wall_clock: seconds since 1970.
        :param secret: of this process; see :class:`~openprequal.checks.remembered.Remembered`.
        """
        self.refusals: Counter[tuple[str, str]] = Counter()
        self._reactor = reactor
        self._wall_clock = wall_clock
        self._secret = secret
        self._environ = environ
        self._agents: dict[str | None, Agent] = {}
        self._pools: list[HTTPConnectionPool] = []
        # A check is there as long as an exchange could be made with it: a reload that fails, or that drops one, needs
        # no word about it.
        self._made: WeakValueDictionary[tuple[str, str], Any] = WeakValueDictionary()

    def made(self, settings: Mapping[str, AnyCheck], told: Told, whose: str) -> Made:
        """A check for each of *settings*, by name.

        :param told: what a server that judges requests is told of one.
        :param whose: what *told* depends on.
        :raises ConfigurationError: a file or a secret cannot be used, or a library is not installed.
        """
        return {name: self._check(name, each, told, whose) for name, each in settings.items()}

    def tick(self) -> None:
        """Called once a second."""
        for check in list(self._made.values()):
            check.tick()

    def close(self) -> None:
        """Close the connections to servers that were asked."""
        for pool in self._pools:
            pool.closeCachedConnections()

    def _check(self, name: str, settings: AnyCheck, told: Told, whose: str) -> Check:
        asks = isinstance(settings, ForwardCheckSettings)
        key = name, json.dumps([whose if asks else "", settings.model_dump(mode="json")])
        check: Check | None = self._made.get(key)
        if check is None:
            if isinstance(settings, BasicCheckSettings):
                check = self._basic(name, settings)
            elif isinstance(settings, JwtCheckSettings):
                check = self._jwt(name, settings)
            else:
                check = self._forward(name, settings, told)
            self._made[key] = check
        return check

    def _basic(self, name: str, settings: BasicCheckSettings) -> Check:
        where = f"checks.{name}.users_file"
        return BasicCheck(
            name,
            WatchedFile(settings.users_file, partial(parse_passwords, where=where), where),
            Verifications(self._in_thread, settings.verifications_max),
            now=self._reactor.seconds,
            secret=self._secret,
            realm=settings.realm,
            user_field=settings.user_header.encode("ascii") if settings.user_header else None,
            keep_authorization=settings.keep_authorization,
            remember_s=settings.remember_seconds,
            timeout_s=settings.timeout_seconds,
        )

    def _jwt(self, name: str, settings: JwtCheckSettings) -> Check:
        library("jwt", f"checks.{name}")
        rules = TokenRules(
            algorithms=frozenset(settings.effective_algorithms),
            issuers=settings.issuer,
            audiences=settings.audience,
            leeway_s=settings.leeway_seconds,
            must_expire=settings.must_expire,
            scopes=settings.scopes,
            claims=settings.claims,
        )
        return BearerCheck(
            name,
            self._keys(f"checks.{name}", settings),
            rules,
            now=self._reactor.seconds,
            wall_clock=self._wall_clock,
            secret=self._secret,
            realm=settings.realm,
            claim_fields={claim: each.encode("ascii") for claim, each in settings.claim_headers.items()},
            keep_authorization=settings.keep_authorization,
            timeout_s=settings.timeout_seconds,
        )

    def _keys(self, where: str, settings: JwtCheckSettings) -> KeySource:
        if settings.jwks_url is not None:
            agent, url = self._agent(settings.ca_file, f"{where}.ca_file"), settings.jwks_url.encode("ascii")

            def fetch() -> "Deferred[Answer]":
                return ask(agent, url, Headers({b"Accept": [b"application/json, */*;q=0.1"]}))

            return FetchedKeys(self._reactor, fetch, settings.jwks_url)
        if settings.jwks_file is not None:
            return KeysInFile(WatchedFile(settings.jwks_file, parse_key_set, f"{where}.jwks_file"))
        if settings.secret_file is not None:

            def read(content: bytes) -> KeySet:
                return secret_key(content.strip(), settings.effective_algorithms)

            return KeysInFile(WatchedFile(settings.secret_file, read, f"{where}.secret_file"))
        variable = settings.secret_variable or ""
        try:
            return FixedKeys(secret_key(self._environ.get(variable, "").encode(), settings.effective_algorithms))
        except ValueError as error:
            raise ConfigurationError(f"{where}.secret_variable: {variable}: {error}") from None

    def _forward(self, name: str, settings: ForwardCheckSettings, told: Told) -> Check:
        def lower(names: Sequence[str]) -> list[bytes]:
            return [each.lower().encode("ascii") for each in names]

        return ForwardCheck(
            name,
            self._agent(settings.ca_file, f"checks.{name}.ca_file"),
            settings.url.encode("ascii"),
            told=told,
            sends=lower(settings.request_headers),
            takes=[each.encode("ascii") for each in settings.response_headers],
            passes=lower(settings.refusal_headers),
            now=self._reactor.seconds,
            secret=self._secret,
            remember_s=settings.remember_seconds,
            remember_by=lower(settings.remember_by),
            timeout_s=settings.timeout_seconds,
        )

    def _in_thread(self, verify: Callable[[], bool]) -> "Deferred[bool]":
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), verify)

    def _agent(self, ca_file: str | None, where: str) -> Agent:
        """What asks servers, believed by these authorities."""
        agent = self._agents.get(ca_file)
        if agent is None:
            pool = HTTPConnectionPool(self._reactor)
            self._pools.append(pool)
            pool._factory = _QuietFactory
            pool.maxPersistentPerHost = MOST_IDLE
            pool.cachedConnectionTimeout = 30
            policy = BrowserLikePolicyForHTTPS(trust_root(ca_file, where))
            agent = self._agents[ca_file] = Agent(self._reactor, policy, CONNECT_TIMEOUT_S, pool=pool)
        return agent
