"""What some meters want before a write: writes of any kind, and functions of the maker's own."""

from __future__ import annotations

import pytest

from edge_agent.bus.meter import BusMeter
from edge_agent.bus.verdict import LineFault, Reply, judge
from edge_agent.core.measured import FaultKind, RelayOrdered
from edge_agent.ports import PolledMeter
from protocol.meter_profile.frames import rtu_frame, vendor_request
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from protocol.meter_profile.values import RegisterWrite, VendorCall
from tests.edge_agent.bus.profile_texts import PLAIN, RELAY

# Orno's unlocking and its answer as public drivers of the OR-WE-504 print them, with their CRCs.
ORNO_UNLOCK = bytes.fromhex("01 28 FE 01 00 02 04 00 00 00 00 FB 12")
ORNO_ANSWER = bytes.fromhex("01 28 FE 01 00 01 C0 24")
ORNO_STEP = '{ function = 0x28, send = "FE 01 00 02 04 00 00 00 00", answer = "FE010001" }'
# Password 1000 as a float to the key register 000E: how Eastron's meters are unlocked.
EASTRON_STEP = "{ function = 16, address = 0x000E, values = [0x447A, 0x0000] }"


def with_unlock(steps: str) -> str:
    return f"{PLAIN}{RELAY}unlock = [{steps}]\n"


def test_steps_go_out_in_order_before_every_write() -> None:
    profile = load_profile(with_unlock(f"{ORNO_STEP}, {EASTRON_STEP}"), "n1")
    assert profile.relay is not None
    assert profile.relay.unlock == (
        VendorCall(0x28, bytes.fromhex("FE01000204 00000000"), bytes.fromhex("FE010001")),
        RegisterWrite(16, 0x000E, (0x447A, 0)),
    )
    meter = BusMeter(PolledMeter("m", 1, profile))
    for wanted, value in ((RelayOrdered.OPEN, b"\x00\x00"), (RelayOrdered.CLOSED, b"\x00\x01")):
        frames = [request.frame for request in meter.relay_writes(wanted)]
        assert frames[0] == ORNO_UNLOCK
        assert frames[1][:-2] == bytes.fromhex("01 10 000E 0002 04 447A 0000")
        assert frames[2][:-2] == bytes.fromhex("01 06 0200") + value


def test_a_coil_may_unlock() -> None:
    profile = load_profile(with_unlock("{ function = 5, address = 9, values = [1] }"), "n1")
    assert profile.relay is not None
    assert profile.relay.unlock == (RegisterWrite(5, 9, (1,)),)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"", FaultKind.TIMEOUT),
        (rtu_frame(1, bytes.fromhex("28 FE 01 00 02")), FaultKind.WRONG_COUNT),  # another answer than the profile's
        (bytes.fromhex("01 28 FE 01 00 01 C0 25"), FaultKind.CRC),
        (rtu_frame(1, b"\xa8\x01"), FaultKind.EXCEPTION),
        (ORNO_UNLOCK, FaultKind.ECHO),
    ],
)
def test_only_the_answer_of_the_profile_is_clean(frame: bytes, kind: FaultKind) -> None:
    request = vendor_request(1, 0x28, ORNO_UNLOCK[2:-2], ORNO_ANSWER[2:-2])
    assert request.frame == ORNO_UNLOCK
    assert request.reply_length == len(ORNO_ANSWER)
    assert isinstance(judge(request, ORNO_ANSWER, 0), Reply)
    fault = judge(request, frame, 0)
    assert isinstance(fault, LineFault)
    assert fault.kind is kind, fault.detail


@pytest.mark.parametrize(
    ("step", "key", "reason"),
    [
        ('{ function = 3, send = "00", answer = "00" }', "function", "a function of the maker's own"),
        ('{ function = 0xA8, send = "00", answer = "00" }', "function", "from 1 to 127"),
        ('{ function = 0x28, answer = "00" }', "send", "1 to 64 bytes in hexadecimal"),
        ('{ function = 0x28, send = "0", answer = "00" }', "send", "1 to 64 bytes in hexadecimal"),
        ('{ function = 0x28, send = "00", answer = "" }', "answer", "1 to 64 bytes in hexadecimal"),
        (f'{{ function = 0x28, send = "{"00" * 65}", answer = "00" }}', "send", "1 to 64 bytes"),
        ("{ function = 6, address = 1, values = [1, 2] }", "values", "exactly 1"),
        ("{ function = 16, address = 1, value = [1] }", "value", "unknown key"),
    ],
)
def test_what_is_wrong_in_a_step_is_named(step: str, key: str, reason: str) -> None:
    with pytest.raises(ProfileError) as raised:
        load_profile(with_unlock(step), "n1")
    reasons = {mistake.key: str(mistake.reason) for mistake in raised.value.mistakes}
    assert reason in reasons[f"relay.unlock[0].{key}"]


def test_a_clock_may_be_locked_too() -> None:
    clock = f'[clock]\naddress = 3\nencoding = "bcd"\nbytes = ["year", "month"]\nunlock = [{EASTRON_STEP}]\n'
    profile = load_profile(PLAIN + clock, "n1")
    assert profile.clock is not None
    assert profile.clock.unlock == (RegisterWrite(16, 0x000E, (0x447A, 0)),)
