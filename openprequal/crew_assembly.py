"""From settings to a gateway of several processes: its parent, and each of its workers.

Both are made as a gateway of one process is (``assembly``), with some parts that are others.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from secrets import token_hex
from signal import SIGHUP, SIGUSR1
from typing import Any, Final, cast

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.web.server import Site

from openprequal.admin.access import told_by_proxy_protocol
from openprequal.admin.backend_rows import backend_rows
from openprequal.assembly import Whole, client_site, pseudonym, whole_of
from openprequal.clocks import Periodic
from openprequal.config.gateway import GatewaySettings
from openprequal.control_plane import (
    accepting,
    access_rules,
    admin_listener,
    admin_site,
    configured_registry,
    heartbeat,
    not_read,
    restart_on_signal,
    taking_over,
)
from openprequal.crew_balancers import CrewBalancers
from openprequal.crew_reload import CrewReload
from openprequal.dashboard.paths import DashboardPaths
from openprequal.data_plane import Clock
from openprequal.demo import DemoBackends
from openprequal.events.ring import Kind
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.metrics.exposition import exposition_in_turns
from openprequal.part import Part
from openprequal.registry.told import ToldRegistry
from openprequal.restart.inheritance import Inheritance
from openprequal.restart.successor import CommandLine
from openprequal.routing.service import Service
from openprequal.signals import Signals
from openprequal.values import Backend, LoadReport
from openprequal.workers.accepting import HeldListening, SharedListening, Turns
from openprequal.workers.acknowledged import Acknowledged
from openprequal.workers.counts import Cells, CountsMap, OwnCounts, made
from openprequal.workers.crew import Crew
from openprequal.workers.explained import explained, explained_by_all
from openprequal.workers.framing import Message
from openprequal.workers.judging_health import JudgingHealth
from openprequal.workers.link import Link
from openprequal.workers.place import CHANNEL, COUNTS, Place
from openprequal.workers.relay import Relay
from openprequal.workers.relayed import Relayed
from openprequal.workers.samples import told as told_samples
from openprequal.workers.shared_service import TICK_S, SharedKinds, SharedService
from openprequal.workers.spawning import Spawning
from openprequal.workers.told_health import ToldHealth
from openprequal.workers.told_membership import ToldMembership
from openprequal.workers.whole_gateway import WholeGateway
from openprequal.workers.worker import Worker

SERVICES: Final = 1024
"""More services than any gateway has: cells for each of them beside those for backends."""
TELL_S: Final = 0.5
"""How soon the parent hears what happened at a worker."""
_WORKERS_OWN: Final = frozenset((Kind.EJECTED, Kind.RESTORED, Kind.PANIC, Kind.ERRORS, Kind.RETRIES))
"""Events that only a worker knows of."""
ROWS: Final = 100
"""Rows of backends in a piece of an answer."""


def worker(
    reactor: Clock, settings: GatewaySettings, place: Place, *, reread: Callable[[], GatewaySettings]
) -> IService:
    """One worker as *place* says, ready to be started.

    :raises ConfigurationError: a class, hook or parameter cannot be used.
    """
    counts = OwnCounts(CountsMap(COUNTS, place.workers, place.cells), place.index)
    registry, relay = ToldRegistry(), Relay(told_by_proxy_protocol)

    told_until = 0

    def tell() -> None:
        nonlocal told_until
        events = whole.events.after(told_until)
        told_until = whole.events.last
        link.tell_of(event.row for event in events if event.kind in _WORKERS_OWN and event.by is None)

    def extra(services: dict[str, Service]) -> list[Periodic]:
        def look() -> None:
            turns.publish()
            for service in services.values():
                cast(SharedService, service).look()

        return [
            Periodic(reactor, TICK_S, look, "counts of other workers"),
            Periodic(reactor, TELL_S, tell, "events for the parent"),
        ]

    explain: Callable[[bytes], dict[str, object]]

    def admin(_: Clock, given: GatewaySettings, *__: object, **made: Any) -> Site:
        nonlocal explain
        explain = made["explain"]
        # What it shows is this worker's part; all else is asked of the parent.
        return Site(DashboardPaths(relay, accepting(access_rules(given), place.demo_token), made["stream"]))

    part = Part(
        registry=lambda *_: registry,
        health=ToldHealth,
        kind=SharedKinds(counts).kind,
        admin=admin,
        about={"worker": place.index, "workers": place.workers},
        alone=False,
        pseudonym=place.pseudonym.encode("ascii"),
        extra=extra,
    )
    share = partial(_share, place)
    settings = share(settings)
    whole: Whole[GatewaySite] = whole_of(
        reactor, settings, partial(client_site, reactor, settings), reread=lambda: share(reread()), part=part
    )
    turns = Turns(counts, lambda: len(whole.front.connections), reactor.seconds)
    listening = SharedListening(
        reactor, settings.endpoints, whole.front, "openprequal", place.listening, layers=whole.edge.layers
    )
    listening.turns = turns
    whole.listen(listening)
    link = Link(
        reactor,
        registry,
        cast(ToldHealth, whole.health),
        counts,
        relay,
        [listening],
        {
            "metrics": lambda _: told_samples(whole.metrics),
            "rows": lambda _: _rows(whole, reactor.seconds()),
            "reload": lambda _: _reloaded(whole),
            "explain": lambda query: explained(explain, query),
        },
        lambda backend, report: heartbeat(whole.services, backend, report, reactor.seconds()),
        whole.rebalancing,
        whole.reopen,
    )
    link.connect(CHANNEL)
    link.setServiceParent(whole.root)  # type: ignore[no-untyped-call]
    return whole.root


def _share(place: Place, settings: GatewaySettings) -> GatewaySettings:
    """*settings* of one of several processes: its part of the connections, and the keys that all have together."""
    updates: dict[str, object] = {"max_connections": -(-settings.max_connections // place.workers)}
    if not settings.sticky_keys and settings.sticky_keys_file is None:
        updates["sticky_keys"] = (SecretStr(place.secret),)
    return settings.model_copy(update=updates)


def _rows(whole: Whole[Any], now: float) -> Iterator[bytes]:
    rows = backend_rows(whole.services, whole.health.standings, now)
    for start in range(0, len(rows), ROWS):
        yield json.dumps(rows[start : start + ROWS]).encode("ascii")


def _reloaded(whole: Whole[Any]) -> Iterator[bytes]:
    try:
        assert whole.reload is not None
        yield json.dumps({"changed": whole.reload("its parent")}).encode("ascii")
    except Exception as error:
        yield json.dumps({"error": str(error)}).encode("ascii")


def parent(
    reactor: Clock,
    settings: GatewaySettings,
    *,
    reread: Callable[[], GatewaySettings],
    command: CommandLine,
    inheritance: Inheritance | None = None,
) -> IService:
    """The parent of as many workers as *settings* say, ready to be started.

    :raises ConfigurationError: a class, hook or parameter cannot be used.
    """
    whole: Whole[Crew]
    health: JudgingHealth
    together: WholeGateway
    listening: HeldListening
    count, cells = settings.worker_count, settings.max_backends + SERVICES
    descriptor = made(count, cells)
    counts = CountsMap(descriptor, count, cells)
    name, secret = pseudonym(Random()).decode("ascii"), token_hex(32)
    demo = DemoBackends(reactor, settings) if settings.demo else None
    spawning = Spawning(
        reactor=reactor,
        arguments=list(command.arguments[1:]),
        directory=command.directory,
        place=lambda index, numbers: Place(
            index, count, cells, numbers, name, secret, None if demo is None else demo.token
        ),
        counts=descriptor,
        listening=lambda: listening.descriptors,
    )
    crew = Crew(count, reactor, spawning, counts)
    reading = CrewReload(reactor, settings, reread, crew)
    balancers = CrewBalancers(lambda: reading.settings, lambda: crew.live)
    registry = configured_registry(reactor, Random(), settings)

    # What is asked of the gateway itself, wherever it is asked.
    def reported(backend: Backend, report: LoadReport) -> None:
        heartbeat(whole.services, backend, report, reactor.seconds())
        for each in crew.live:
            each.say("reported", id=backend.id, report=[report.rif, report.latency_s, report.state])

    def page(accept: bytes | None) -> "Deferred[tuple[str, bytes]]":
        def shown(collected: CollectorRegistry) -> "Deferred[tuple[str, bytes]]":
            return exposition_in_turns(reactor, collected, (accept or b"").decode("latin-1"))

        return together.metrics().addCallback(shown)

    def not_ready() -> str | None:
        if whole.root.stopping:
            return "shutting down"
        return not_read(registry) or (None if crew.accepting else "no worker accepts yet")

    answers: dict[str, Any] = {
        "registry": Acknowledged(registry, crew.applied),
        "backend_rows": lambda: together.rows(
            lambda: backend_rows(whole.services, health.standings, reactor.seconds())
        ),
        "metrics_page": page,
        "explain": partial(explained_by_all, crew),
        "heartbeat": reported,
        "ready": not_ready,
        "reload": reading,
    }
    whole = whole_of(
        reactor,
        reading.own_settings,
        lambda _: crew,
        demo=demo,
        reread=lambda: reading.own_settings,
        part=Part(
            registry=lambda *_: registry,
            health=JudgingHealth,
            admin=partial(admin_site, answers=answers, shows_all=False),
            alone=False,
            balancers=lambda _: balancers,
        ),
    )
    assert whole.reload is not None
    reading.take = whole.reload.take
    health = cast(JudgingHealth, whole.health)
    together = WholeGateway(crew, whole.metrics)

    # What the workers are told, and what they tell.
    given = Cells(counts)
    membership = ToldMembership(count, lambda: crew.live, given, health.judgements, reading.needs_all)
    registry.subscribe(membership)
    health.judged, health.restored = membership.judged, membership.restored
    balancers.rebalancing = whole.rebalancing
    relayed = Relayed(whole.admin)

    def tell_cells(workers: Sequence[Worker]) -> None:
        for each in workers:
            each.say("cells", cells={service: given.of(service) for service in whole.services})

    def introduce(worker: Worker) -> None:
        tell_cells([worker])
        membership.introduce(worker)
        balancers.introduce(worker)

    def taken(names: Sequence[str], by: str) -> None:
        whole.recorder.reloaded(names, by)
        balancers.forget()
        tell_cells(crew.live)
        membership.configure(list(whole.services))

    def hear(worker: Worker, kind: str, message: Message) -> None:
        if kind == "doubted":
            health.doubted(message.head["id"])
        elif kind == "state":
            health.told_by_worker(message.head["id"], message.head["state"])
        elif kind == "event":
            happened = message.head["event"]
            text = f"worker {worker.index}: {happened['message']}"
            where = {"service": happened["service"], "backend": happened["backend"]}
            whole.events.add(Kind(happened["kind"]), text, **where)
        else:
            relayed.hear(worker, kind, message)

    def gone(worker: Worker) -> None:
        together.gone(worker)
        relayed.gone(worker)

    crew.introduce, crew.hear, crew.gone = introduce, hear, gone
    reading.taken, reading.not_taken = taken, whole.recorder.not_reloaded

    # Where clients come in, start and end.
    inherited = None if inheritance is None else inheritance.listening
    listening = HeldListening(reactor, settings.endpoints, crew, "openprequal", inherited, whole.edge.layers)
    whole.listen(listening)
    if settings.admin_endpoints:
        whole.listen(admin_listener(reactor, settings, whole.admin, inherited))
    crew.setServiceParent(whole.root)  # type: ignore[no-untyped-call]

    def reopen() -> None:
        whole.reopen()
        for each in crew.live:
            each.say("reopen")

    Signals(reactor, {SIGHUP: reading.on_signal, SIGUSR1: reopen}).setServiceParent(whole.root)  # type: ignore[no-untyped-call]
    listeners = whole.own_address.listening
    restart_on_signal(reactor, settings, whole.root, registry, health, listeners, command)
    if inheritance is not None:
        taking_over(reactor, registry, health, listeners, inheritance, ready=lambda: crew.ready).setServiceParent(
            whole.root
        )  # type: ignore[no-untyped-call]
    return whole.root
