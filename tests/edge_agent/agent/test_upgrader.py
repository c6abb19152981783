"""What becomes of an order to run another version: tried once, told while it does not run, tried again if ordered."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edge_agent.agent import upgrader as under_test
from edge_agent.agent.programs import Programs
from edge_agent.agent.upgrade import UpgradeFailed
from edge_agent.agent.upgrader import FETCH_AGAIN_MS, Upgrader
from edge_agent.flows.apply_commands import apply_commands
from edge_agent.ports import Blame
from edge_agent.sync.https import NoReply
from protocol.commands import Upgrade
from protocol.messages import read_records
from protocol.payload import decode
from protocol.records import Alarm, Record
from tests.edge_agent.agent.owner_rig import OwnerRig, owner_rig

ORDER = Upgrade(version="2.0.0", bundle_hash="c" * 64, not_before_ms=0)


class Tried:
    """An owner that was ordered a version, whose bundles come and are judged as the test says."""

    def __init__(self, o: OwnerRig, monkeypatch: pytest.MonkeyPatch, running: str = "1.0.0") -> None:
        self.o, self.fetched, self.judged = o, 0, 0
        self.fetch_fault: Exception | None = None
        self.fault: Exception | None = UpgradeFailed("version 2.0.0 failed its self-test: no such part")
        monkeypatch.setattr(under_test, "fetch_bundle", self._fetch)
        monkeypatch.setattr(under_test, "prepare", self._prepare)
        monkeypatch.setattr("edge_agent.agent.upgrader.threading.Thread", AtOnce)
        o.owner.minders.clear()
        box_file, identity = SimpleNamespace(state_dir=o.state_dir), SimpleNamespace()
        self.upgrader = Upgrader(cast(Any, box_file), cast(Any, identity), running, o.owner)

    def _fetch(self, _identity: object, _hash: str, into: Path, *, trust_dates: bool) -> None:
        assert trust_dates
        self.fetched += 1
        if self.fetch_fault is not None:
            raise self.fetch_fault
        into.write_bytes(b"bundle")

    def _prepare(self, *_: object) -> str:
        self.judged += 1
        if self.fault is not None:
            raise self.fault
        return ORDER.version

    def order(self, order: Upgrade = ORDER) -> None:
        apply_commands(self.o.a.box, self.o.a.sync.ring, [self.o.a.command(order)])

    def go_on(self, ms: int = 1_000) -> None:
        """A second of the loop, and what other threads asked of it."""
        self.o.a.clock.go_on(ms)
        self.o.give()
        while not self.o.owner.inbox.empty():
            self.o.give(self.o.owner.inbox.get())

    @property
    def alarms(self) -> list[str]:
        records = [record for batch in self.o.a.batches() for record in read_records(batch)]
        records += [decode(pending.raw, Record) for pending in self.o.a.store.pending(1_000)]
        return [r.state for r in records if isinstance(r, Alarm) and r.alarm == "upgrade_failed"]

    @property
    def told(self) -> dict[str, Any]:
        status = self.o.ask("status")
        assert status is not None
        return cast(dict[str, Any], status["upgrade"])


class AtOnce:
    """A thread that has ended when it has begun."""

    def __init__(self, *, target: Any, name: str, daemon: bool) -> None:
        self.target = target

    def start(self) -> None:
        self.target()


def start(o: OwnerRig, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Tried:
    tried = Tried(o, monkeypatch, **changes)
    tried.order()
    tried.go_on()
    return tried


def test_one_that_fails_is_tried_once_and_told_until_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with owner_rig(tmp_path) as o:
        tried = start(o, monkeypatch)
        tried.go_on(FETCH_AGAIN_MS)
        assert (tried.fetched, tried.judged, tried.alarms) == (1, 1, ["raised"])
        assert tried.told == {"ordered": "2.0.0", "fault": "version 2.0.0 failed its self-test: no such part"}
        assert not (Programs(tmp_path).folder / "ordered.bundle").exists()
        tried.fault = None
        tried.order()
        tried.go_on()
        assert (tried.fetched, tried.judged, o.owner.successor) == (2, 2, "2.0.0")
    (tmp_path / "next").mkdir()
    with owner_rig(tmp_path / "next") as o:
        runs = start(o, monkeypatch, running="2.0.0")
        assert (runs.fetched, runs.alarms, runs.told["fault"]) == (0, [], None)


def test_the_alarm_ends_when_the_version_runs_or_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with owner_rig(tmp_path) as o:
        start(o, monkeypatch)
        after = Tried(o, monkeypatch, running="2.1.0")
        after.go_on()
        assert after.alarms == ["raised", "cleared"]
        assert (after.fetched, after.told) == (0, {"ordered": "2.0.0", "fault": None})


def test_one_that_was_undone_is_not_even_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Programs(tmp_path).place("2.0.0")
    place.mkdir(parents=True)
    (place / "undone").touch()
    (place / "bundle.hash").write_text("c" * 64, encoding="ascii")
    assert Programs(tmp_path).was_undone("2.0.0", "c" * 64)
    with owner_rig(tmp_path) as o:
        tried = start(o, monkeypatch)
        assert (tried.fetched, tried.alarms) == (0, ["raised"])
        assert "did not come up on this box and was undone" in tried.told["fault"]


def test_a_bundle_that_cannot_be_fetched_is_asked_for_again_and_is_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner_rig(tmp_path) as o:
        tried = Tried(o, monkeypatch)
        tried.fetch_fault = NoReply(Blame.THEIRS, "HTTP 404")
        tried.order()
        tried.go_on()
        assert tried.told["fault"] == "version 2.0.0 could not be fetched: HTTP 404"
        tried.go_on()
        assert tried.fetched == 1
        tried.go_on(FETCH_AGAIN_MS)
        assert (tried.fetched, tried.judged, tried.alarms) == (2, 0, [])
