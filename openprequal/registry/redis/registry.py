"""The registry in Redis: how do several gateways share who exists, and heal a Redis that forgot?

Every gateway keeps the whole membership and asks Redis a few times a second what changed since (:meth:`_look`), in one
command that passes on the heartbeats it heard meanwhile. Leases end by Redis' own clock, for whoever asks first. What
is registered or unregistered here is written at once, and counts here as soon as it is.

A gateway is in one of three states:

**away** (no connection). The last known membership stays in force: nobody joins, nobody leaves, no lease ends here.
    Registrations are refused with 503. → *following*, when there is a connection and Redis tells the same epoch;
    → *restoring*, when it tells another.
**following**. Changes are taken in as Redis tells them. → *restoring*, when Redis tells another epoch; → *away*, when
    an answer does not come in time, is an error, or the connection ends.
**restoring**. Redis is not what it was: its script found it emptied, parts of it missing, or set back to what a gateway
    had seen more than, and began another epoch. What it holds now is not believed: it is given the last known
    membership, every lease beginning anew, and then read from the beginning; whoever has gone by then leaves.
    → *following*.

So a backend that died while Redis was away, or was forgotten with it, leaves when it has been silent for its whole
lease after Redis came back; one that lives sends its next heartbeat before. Backends registered by hand are back at
once.

Who was unregistered does not come back: the view of the gateway that had seen most of the former epoch counts, whoever
comes first. One that had seen as much or less writes nothing, one that had seen more replaces what was written back
(not what registered since), and what was unregistered in the new epoch stays so. Time in which no gateway asked ends no
lease: all begin anew.
"""

from collections.abc import Collection
from typing import NoReturn

from hiredis import HiredisError
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionClosed
from twisted.logger import Logger
from zope.interface import implementer

from openprequal.clocks import Periodic
from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IMembershipObserver, IRegistry, IRegistrySource, RegistryContext
from openprequal.registry.membership import Membership
from openprequal.registry.parameters import read_parameters
from openprequal.registry.redis.address import read_address
from openprequal.registry.redis.connection import RedisConnection
from openprequal.registry.redis.document import document_of, read_document
from openprequal.registry.redis.link import Link
from openprequal.registry.redis.parameters import RedisParameters
from openprequal.registry.redis.store import Look, Store, UnreadableAnswer, View
from openprequal.values import Backend

_FAILURES = (ConnectionClosed, HiredisError, UnreadableAnswer)


@implementer(IRegistry, IRegistrySource)
class RedisRegistry:
    """Who registered with any of the gateways that share a Redis and a prefix."""

    log = Logger()

    def __init__(self, context: RegistryContext) -> None:
        """:raises ConfigurationError: a parameter cannot be used."""
        told = read_parameters(RedisParameters, context.parameters, "redis")
        self._clock = context.clock
        self._max_backends = context.max_backends
        self._heartbeat_timeout_s = context.heartbeat_timeout_s
        self._answer_within_s = told.timeout_seconds
        self._membership = Membership()
        self._documents: dict[str, bytes] = {}
        self._seen = View()
        self._cursor = 0
        # Of those known when all was begun to be read, who has not been told yet.
        self._unseen: set[str] | None = None
        self._renewals: dict[str, list[Deferred[None]]] = {}
        self._looking = False
        self._complete_at: float | None = None
        self.ignored = 0
        """What was read in Redis and is no backend, so far."""
        self._store = Store(told.prefix)
        address = read_address(told.url.get_secret_value())
        self._link = Link(context.reactor, context.rng, address, told.timeout_seconds, self._tick)
        self._poll = Periodic(context.clock, told.poll_seconds, self._tick, "registry in Redis")

    @property
    def connected(self) -> bool:
        return self._link.useful

    def age_s(self) -> float | None:
        return None if self._complete_at is None else self._clock.seconds() - self._complete_at

    def register(self, backend: Backend) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._register(backend))

    def unregister(self, backend_id: str) -> "Deferred[bool]":
        return Deferred.fromCoroutine(self._unregister(backend_id))

    def backends(self) -> Collection[Backend]:
        return self._membership.backends()

    def subscribe(self, observer: IMembershipObserver) -> None:
        self._membership.subscribe(observer)

    def start(self) -> None:
        self._link.open()
        self._poll.start()

    def stop(self) -> "Deferred[None]":
        self._poll.stop()
        self._refuse(self._take_renewals())
        return self._link.close()

    async def _register(self, backend: Backend) -> None:
        connection = self._connection()
        document = document_of(backend, self._heartbeat_timeout_s)
        if backend.heartbeat_seconds is not None and self._documents.get(backend.id) == document:
            renewed: Deferred[None] = Deferred()
            self._renewals.setdefault(backend.id, []).append(renewed)
            await renewed
            return
        try:
            taken, view = await self._store.register(connection, self._seen, backend.id, document, self._max_backends)
        except _FAILURES as error:
            self._failed(connection, error)
        if not taken:
            raise RegistrationRefused(
                f"max_backends: there are already {self._max_backends} backends, as many as are allowed", status=503
            )
        self._wrote(view)
        self._put(backend, document)

    async def _unregister(self, backend_id: str) -> bool:
        connection = self._connection()
        known = backend_id in self._membership
        try:
            existed, view = await self._store.unregister(connection, self._seen, backend_id, known)
        except _FAILURES as error:
            self._failed(connection, error)
        self._wrote(view)
        return self._remove(backend_id, "unregistered") or existed

    def _connection(self) -> RedisConnection:
        if self._link.connection is None:
            raise RegistrationRefused("the registry is away, try again", status=503)
        return self._link.connection

    def _failed(self, connection: RedisConnection, error: Exception) -> NoReturn:
        if self._link.connection is connection:
            self._link.drop(str(error) or type(error).__name__)
        raise RegistrationRefused("the registry is away, try again", status=503) from error

    def _wrote(self, view: View) -> None:
        # Of another epoch, it will be seen with all the rest of that.
        if view.epoch == self._seen.epoch:
            self._seen = max(self._seen, view)

    def _tick(self) -> None:
        connection = self._link.connection
        if connection is None:
            self._refuse(self._take_renewals())
            return
        waited_s = connection.waited_s()
        if waited_s > self._answer_within_s:
            self._link.drop(f"no answer for {waited_s:.1f} s")
        elif not self._looking:
            self._looking = True
            looking = Deferred.fromCoroutine(self._look(connection))
            looking.addErrback(lambda failure: self.log.failure("reading the registry failed", failure=failure))

    async def _look(self, connection: RedisConnection) -> None:
        """Take in what there is, a page at a time: what is under way in this process goes on in between."""
        renewals: dict[str, list[Deferred[None]]] = {}
        try:
            last = False
            while not last and self._link.connection is connection:
                renewals = self._take_renewals()
                anew = self._unseen is not None
                look = await self._store.look(connection, self._seen, self._cursor, anew, renewals)
                for waiting in renewals.values():
                    for each in waiting:
                        each.callback(None)
                renewals = {}
                last = await self._take_in(connection, look)
                self._link.served()
        except _FAILURES as error:
            if self._link.connection is connection:
                self._link.drop(str(error) or type(error).__name__)
        finally:
            self._looking = False
            self._refuse(renewals)
            if self._link.connection is not connection:
                self._refuse(self._take_renewals())

    async def _take_in(self, connection: RedisConnection, look: Look) -> bool:
        """True: all there is to see has been seen."""
        if self._seen.epoch and look.view.epoch != self._seen.epoch:
            self.log.warn("the registry forgot: the {count} backends known here go back", count=len(self._documents))
            await self._store.restore(connection, self._seen, self._documents.items())
            self._seen, self._cursor, self._unseen = View(look.view.epoch), 0, set(self._documents)
            return False
        if look.anew and look.first:
            self._unseen = set(self._documents)
        for change in look.changes:
            self._changed(change.id, change.document)
        if look.last:
            for gone in self._unseen or ():
                self._remove(gone, "not in the registry any more")
            self._unseen = None
            self._complete_at = self._clock.seconds()
        self._cursor = look.view.version
        self._seen = max(self._seen, look.view)
        return look.last

    def _changed(self, backend_id: str, document: bytes) -> None:
        if not document:
            self._remove(backend_id, "unregistered at another gateway, or silent for its lease")
        elif (backend := read_document(document, backend_id)) is not None:
            self._put(backend, document)
        else:
            self.ignored += 1
            self.log.warn("what the registry holds as {id} is no backend, ignored", id=backend_id[:200])

    def _put(self, backend: Backend, document: bytes) -> None:
        self._documents[backend.id] = document
        if self._unseen is not None:
            self._unseen.discard(backend.id)
        self._membership.put(backend)

    def _remove(self, backend_id: str, reason: str) -> bool:
        self._documents.pop(backend_id, None)
        return self._membership.remove(backend_id, reason)

    def _take_renewals(self) -> dict[str, list["Deferred[None]"]]:
        renewals, self._renewals = self._renewals, {}
        return renewals

    @staticmethod
    def _refuse(renewals: dict[str, list["Deferred[None]"]]) -> None:
        for waiting in renewals.values():
            for each in waiting:
                each.errback(RegistrationRefused("the registry is away, try again", status=503))
