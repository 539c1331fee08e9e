"""The registry in memory, with a file, forgets nobody."""

import json
import os
import stat
from pathlib import Path
from random import Random

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from openprequal.errors import ConfigurationError
from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.backend_file import BadFile, read_backends, write_backends, writer_of
from openprequal.registry.memory import MemoryRegistry
from openprequal.testing.registry_contract import BY_HAND, LEASED, MembershipLog, RegistryContract
from openprequal.values import Backend

FULL = Backend("https://c.test:8443", "other", 2.5, "/up", "/probe", 9000, 1, "eu", 5.0)


class TestMemoryWithAFile(RegistryContract):
    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.file = tmp_path / "registry.json"

    def make(self, context: RegistryContext) -> IRegistry:
        return registry_on(self.file, context.clock, context.max_backends, context.heartbeat_timeout_s)


def registry_on(
    file: Path, clock: object, max_backends: int = 100, heartbeat_timeout_s: float | None = None, seed: int = 1
) -> MemoryRegistry:
    parameters = {"file": str(file)}
    return MemoryRegistry(RegistryContext(clock, max_backends, heartbeat_timeout_s, parameters, Random(seed)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "registry.json"


def started(file: Path, clock: Clock, seed: int = 1) -> MemoryRegistry:
    registry = registry_on(file, clock, seed=seed)
    registry.start()
    return registry


def filled(file: Path, clock: Clock, *backends: Backend) -> MemoryRegistry:
    """A registry with *backends*, that has written them."""
    registry = started(file, clock)
    for backend in backends:
        registry.register(backend)
    clock.advance(1)
    return registry


def test_everybody_is_known_again_after_a_crash(file: Path) -> None:
    filled(file, Clock(), BY_HAND, LEASED, FULL)
    assert list(started(file, Clock()).backends()) == [BY_HAND, LEASED, FULL]


def test_an_orderly_end_loses_not_even_the_last_second(file: Path) -> None:
    registry = started(file, Clock())
    registry.register(BY_HAND)
    assert registry.stop().called
    assert list(started(file, Clock()).backends()) == [BY_HAND]


def test_who_left_stays_away(file: Path) -> None:
    clock = Clock()
    registry = filled(file, clock, BY_HAND, FULL)
    registry.unregister(BY_HAND.id)
    clock.advance(1)
    assert list(started(file, Clock()).backends()) == [FULL]


def test_leases_begin_anew_with_the_restart(file: Path) -> None:
    clock = Clock()
    filled(file, Clock(), LEASED)
    registry = started(file, clock)
    clock.pump([0.5] * 38)
    assert list(registry.backends()) == [LEASED]
    clock.pump([0.5] * 6)
    assert list(registry.backends()) == []


def test_changes_are_written_once_a_second(file: Path) -> None:
    clock = Clock()
    registry = filled(file, clock, BY_HAND)
    before = os.stat(file).st_ino
    registry.register(LEASED)
    clock.advance(0.5)
    registry.register(FULL)
    assert os.stat(file).st_ino == before
    clock.advance(0.5)
    assert read_backends(file).backends == (BY_HAND, LEASED, FULL)


def test_a_renewed_lease_writes_nothing(file: Path) -> None:
    clock = Clock()
    registry = filled(file, clock, LEASED)
    before = os.stat(file).st_ino
    registry.register(LEASED)
    clock.advance(1)
    assert os.stat(file).st_ino == before


def test_only_its_owner_may_read_it(file: Path) -> None:
    filled(file, Clock(), BY_HAND)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2, "backends": []}', b"\xff", b"[" * 100_000])
def test_a_file_that_cannot_be_understood_is_kept_and_the_start_goes_on(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    clock = Clock()
    registry = started(file, clock)
    assert list(registry.backends()) == []
    registry.register(BY_HAND)
    clock.advance(1)
    assert file.with_name("registry.json.bad").read_bytes() == content
    assert read_backends(file).backends == (BY_HAND,)


def test_a_second_bad_file_does_not_replace_the_first(file: Path) -> None:
    for content in (b"first", b"second"):
        file.write_bytes(content)
        filled(file, Clock())
    assert file.with_name("registry.json.bad").read_bytes() == b"first"
    assert file.with_name("registry.json.bad1").read_bytes() == b"second"


def test_what_cannot_be_kept_is_not_written_over(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    file.write_bytes(b"precious")
    registry = filled(file, Clock(), BY_HAND)
    assert registry.stop().called
    assert file.read_bytes() == b"precious"


def test_one_bad_entry_costs_nobody_else(file: Path) -> None:
    good = {"url": BY_HAND.url, "service": "default", "a_later_version": True}
    file.write_text(json.dumps({"version": 1, "backends": [good, {"url": "ftp://x"}, 7, {**good, "weight": -1}]}))
    assert list(started(file, Clock()).backends()) == [BY_HAND]
    assert file.with_name("registry.json.bad").exists()


def test_a_disk_that_is_full_for_a_while_is_only_told_of(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    registry = filled(file, clock, BY_HAND)
    with monkeypatch.context() as patched:

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr(os, "fsync", full)
        registry.register(LEASED)
        clock.pump([1] * 3)
        assert list(registry.backends()) == [BY_HAND, LEASED]
        assert read_backends(file).backends == (BY_HAND,)
        assert [each.name for each in file.parent.iterdir()] == [file.name]
    clock.advance(1)
    assert read_backends(file).backends == (BY_HAND, LEASED)


def test_what_no_registration_tells_is_not_written(file: Path) -> None:
    write_backends(file, [evolve(FULL, draining=True)], "1-0@host")
    read = read_backends(file)
    assert (read.backends, read.objections) == ((FULL,), ())


def test_the_process_that_began_last_is_the_one_that_writes(file: Path) -> None:
    clock = Clock()
    former = filled(file, clock, BY_HAND, FULL)
    successor = started(file, clock, seed=2)
    clock.advance(1)
    former.unregister(FULL.id)
    clock.advance(1)
    assert former.stop().called
    assert list(successor.backends()) == [BY_HAND, FULL]
    assert read_backends(file).backends == (BY_HAND, FULL)


def test_the_file_of_a_process_that_ended_is_written_again(file: Path) -> None:
    clock = Clock()
    registry = filled(file, clock, BY_HAND)
    writer = writer_of(file)
    assert writer is not None
    write_backends(file, [], "999999999-0@" + writer.partition("@")[2])
    registry.register(FULL)
    clock.advance(1)
    assert read_backends(file).backends == (BY_HAND, FULL)


def test_observers_hear_of_those_in_the_file_like_of_others(file: Path) -> None:
    filled(file, Clock(), BY_HAND)
    observer = MembershipLog()
    started(file, Clock()).subscribe(observer)
    assert observer.heard == [("joined", BY_HAND.id)]


def test_a_file_nobody_could_write_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"registry_parameters\.file: .*no such directory"):
        registry_on(tmp_path / "absent" / "registry.json", Clock())
    with pytest.raises(ConfigurationError, match=r"registry_parameters\.file: .*is no file"):
        registry_on(tmp_path, Clock())


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["url", "service", "weight", "x"]) | st.text(), inner)
    ),
    max_leaves=8,
)


@given(rows=st.lists(JSON))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_whatever_the_file_holds_reading_ends_well(rows: list[object], file: Path) -> None:
    file.write_text(json.dumps({"version": 1, "backends": rows}))
    read = read_backends(file)
    assert len(read.backends) + len(read.objections) <= len(rows)


@given(content=st.binary(max_size=64))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_whatever_bytes_there_are_they_are_backends_or_a_bad_file(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    writer_of(file)
    with pytest.raises(BadFile):
        read_backends(file)
