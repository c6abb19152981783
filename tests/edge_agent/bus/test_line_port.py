"""The port under a line: local echo, silence by baud rate, taken alone, pulled out and put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.bus.line import SerialLine
from edge_agent.bus.serial_port import LineDown, SerialSettings
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.clock import SystemClock
from edge_agent.core.measured import FaultKind
from protocol.meter_profile.frames import write_request
from tests.edge_agent.bus.line_to_peer import (
    ASKED,
    BAUD,
    LATE_WINDOW_MS,
    PACE,
    TURNAROUND_S,
    WORDS,
    answer,
    clean,
    line_to,
)
from tests.edge_agent.bus.scripted_peer import ScriptedPeer


class TestLocalEcho:
    def test_our_own_bytes_are_taken_off(self) -> None:
        with line_to(lambda request: [(TURNAROUND_S, request + answer(request))], local_echo=True) as (line, _):
            outcome = line.transact(ASKED, PACE)
            assert isinstance(outcome, Reply)
            assert outcome.words == WORDS
            assert line.take_strays() == []

    def test_a_damaged_echo_is_a_collision(self) -> None:
        with line_to(lambda request: [(0, request[:-1] + b"\x00")], local_echo=True) as (line, _):
            outcome = line.transact(ASKED, PACE)
            assert isinstance(outcome, LineFault)
            assert outcome.kind is FaultKind.ECHO

    def test_a_single_write_is_confirmed_by_its_second_copy(self) -> None:
        single = write_request(5, 6, 0x0801, (0x0100,))
        with line_to(lambda request: [(0, request), (0.005, request)], local_echo=True) as (line, _):
            assert isinstance(line.transact(single, PACE), Reply)


class TestPort:
    def test_a_missing_port_is_named(self, tmp_path: Path) -> None:
        line = SerialLine(SerialSettings(str(tmp_path / "ttyUSB7")), SystemClock())
        with pytest.raises(LineDown, match="ttyUSB7: there is no such port"):
            line.open()

    def test_a_port_is_taken_alone(self) -> None:
        with line_to(clean) as (_, peer):
            second = SerialLine(SerialSettings(peer.port), SystemClock())
            with pytest.raises(LineDown, match="held by another program"):
                second.open()

    def test_a_vanished_adapter_is_down_and_its_return_is_taken_up(self, tmp_path: Path) -> None:
        link = tmp_path / "by-id"
        first = ScriptedPeer(clean, link=link)
        line = SerialLine(SerialSettings(str(link), baud=BAUD, late_window_ms=LATE_WINDOW_MS), SystemClock())
        line.open()
        assert isinstance(line.transact(ASKED, PACE), Reply)
        first.close()
        with pytest.raises(LineDown):
            line.transact(ASKED, PACE)
        with pytest.raises(LineDown):
            line.transact(ASKED, PACE)
        with ScriptedPeer(clean, link=link):
            line.open()
            assert isinstance(line.transact(ASKED, PACE), Reply)
            line.close()


def test_silence_follows_from_the_baud_rate() -> None:
    assert SerialSettings("x", baud=9_600).silence_us == 3_646
    assert SerialSettings("x", baud=9_600, parity="E").silence_us == 4_011
    assert SerialSettings("x", baud=1_200).silence_us == 29_167
    assert SerialSettings("x", baud=115_200).silence_us == 1_750
    assert SerialSettings("x", baud=9_600, silence_ms=40).silence_us == 40_000
