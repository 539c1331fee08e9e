"""The registry of a worker knows whom its parent tells it of, and nobody registers with it."""

from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IRegistry
from openprequal.registry.told import ToldRegistry
from openprequal.values import Backend

ONE = Backend("http://203.0.113.1:80")
HEAVIER = Backend("http://203.0.113.1:80", weight=2.0)


class Observer:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def joined(self, backend: Backend) -> None:
        self.heard.append(("joined", backend))

    def changed(self, old: Backend, new: Backend) -> None:
        self.heard.append(("changed", old, new))

    def left(self, backend: Backend, reason: str) -> None:
        self.heard.append(("left", backend, reason))


def test_it_provides_what_every_registry_does() -> None:
    assert verifyObject(IRegistry, ToldRegistry())


def test_observers_hear_what_it_is_told() -> None:
    registry, observer = ToldRegistry(), Observer()
    registry.subscribe(observer)  # type: ignore[arg-type]
    registry.joined(ONE)
    registry.joined(HEAVIER)
    registry.left(ONE.id, "silent")
    registry.left(ONE.id, "silent")
    assert observer.heard == [("joined", ONE), ("changed", ONE, HEAVIER), ("left", HEAVIER, "silent")]
    assert list(registry.backends()) == []


def test_nobody_registers_or_unregisters_with_it() -> None:
    registry = ToldRegistry()
    registry.joined(ONE)
    failures: list[Failure] = []
    registry.register(HEAVIER).addErrback(failures.append)
    registry.unregister(ONE.id).addErrback(failures.append)
    assert [failure.type for failure in failures] == [RegistrationRefused] * 2
    assert list(registry.backends()) == [ONE]
