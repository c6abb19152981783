"""Profiles: ours load, and whatever is wrong in one is told at once, each mistake with file, key, value and reason."""

from __future__ import annotations

from fractions import Fraction

import pytest

from edge_agent.bus.packaged import builtin_names, builtin_profile, builtin_text
from protocol.meter_profile.blocks import plan_blocks
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import Mistake, ProfileError
from protocol.meter_profile.values import Grade, Ratio, RegisterType, RegisterWrite, WordOrder

PLAIN = """
format = 1
vendor = "Nobody"
model = "N1"
grade = "manual"
sources = ["a manual"]
phases = 1

[line]
longest_read = 60

[quantities]
energy = { address = 0x0100, type = "u32", scale = "1/100", unit = "kWh" }
power = { address = 0x0102, type = "i16", unit = "W" }

[relay]
kind = "register"
function = 6
address = 0x0200
closed = [1]
open = [0]
readback = "none"
grade = "manual"
"""

UNSEEN = """
format = 1
vendor = "Elsewhere"
model = "E3"
grade = "code"
sources = ["somebody's driver"]
phases = 3
[line]
longest_read = 30
read_multiple = 2
silence_ms = 40
turnaround_ms = 80
[defaults]
function = 4
word_order = "low_first"
[quantities]
energy = { address = 10, type = "f32", unit = "kWh" }
power = { address = 12, type = "f32", unit = "kW", ratio = "ct" }
voltage_a = { address = 14, type = "bcd", registers = 1, scale = "0.1", unit = "V", function = 3 }
[rates]
day = { address = 40, type = "bcd", registers = 3, wraps_at = 100000000, scale = 10, unit = "Wh", function = 3 }
[relay]
kind = "coil"
function = 5
address = 3
closed = [0]
open = [1]
readback = "contact"
settle_ms = 300
grade = "code"
unlock = [{ function = 16, address = 14, values = [0x0BB8, 0] }]
contact = { function = 2, address = 7, closed = [1], open = [0] }
[[areas]]
function = 3
first = 0
last = 60
"""


def mistakes_of(text: str) -> dict[str, Mistake]:
    with pytest.raises(ProfileError) as raised:
        load_profile(text, "site_n1")
    return {mistake.key: mistake for mistake in raised.value.mistakes}


def test_plain_profile_loads() -> None:
    profile = load_profile(PLAIN, "site_n1")
    assert profile.energy.scale == 10
    assert profile.energy.wrap == 2**32 * 10
    assert profile.enforcement == ("raw_wh", "power_w")
    assert profile.turnaround_ms == 200
    assert profile.relay is not None
    assert profile.relay.write_open == RegisterWrite(6, 0x0200, (0,))


def test_five_mistakes_are_named_all_five() -> None:
    text = (
        PLAIN.replace("longest_read = 60", "longest_read = 300")
        .replace('type = "u32"', 'type = "u33"')
        .replace('scale = "1/100"', "scale = 0.01")
        .replace("closed = [1]", "closed = [65536]")
        .replace('model = "N1"', 'model = "N1"\ncolour = "grey"')
    )
    mistakes = mistakes_of(text)
    assert {key: mistake.value for key, mistake in mistakes.items()} == {
        "line.longest_read": "300",
        "quantities.energy.type": "'u33'",
        "quantities.energy.scale": "0.01",
        "relay.closed": "[65536]",
        "colour": "'grey'",
    }
    assert {mistake.file for mistake in mistakes.values()} == {"site_n1.toml"}
    assert str(mistakes["line.longest_read"].reason) == "right would be a whole number from 1 to 125"
    assert "u16, i16, u32" in str(mistakes["quantities.energy.type"].reason)
    assert "a float is not exact" in str(mistakes["quantities.energy.scale"].reason)
    assert "0x0000 to 0xFFFF" in str(mistakes["relay.closed"].reason)
    assert "unknown key" in str(mistakes["colour"].reason)
    told = "\n".join(map(str, mistakes.values()))
    assert "site_n1.toml: quantities.energy.type = 'u33': right would be" in told


WRONG = [
    ("format = 1", "format = 2", "format", "right would be 1"),
    ("format = 1", "", "format", "right would be 1"),
    ('grade = "manual"\nsources', 'grade = "sure"\nsources', "grade", "proven, manual, code, tool, inferred"),
    ('sources = ["a manual"]', "sources = []", "sources", "at least one"),
    ("phases = 1", "phases = 4", "phases", "from 1 to 3"),
    ("phases = 1", "phases = true", "phases", "whole number"),
    ('model = "N1"', 'model = " "', "model", "not empty"),
    ("[line]\nlongest_read = 60", "", "line", "table"),
    ("longest_read = 60", "", "line.longest_read", "from 1 to 125"),
    ("longest_read = 60", "longest_read = 60\nsilence_ms = -1", "line.silence_ms", "from 0 to 1000"),
    ("energy = {", "energi = {", "quantities.energi", "right would be energy"),
    ("energy = {", "voltage = {", "quantities.energy", "every profile needs"),
    ("address = 0x0100,", "address = 0x10000,", "quantities.energy.address", "from 0 to 65535"),
    ("address = 0x0100,", "address = 0xFFFF,", "quantities.energy.address", "beyond 0xFFFF"),
    ('unit = "kWh"', 'unit = "kW"', "quantities.energy.unit", "Wh, kWh, MWh"),
    ('unit = "kWh"', 'unit = "kWh", ration = 1', "quantities.energy.ration", "unknown key"),
    ('scale = "1/100"', 'scale = "0"', "quantities.energy.scale", "above 0"),
    ('scale = "1/100"', 'scale = "1/3000000000000"', "quantities.energy.scale", "no whole number"),
    ('scale = "1/100"', 'function = 1, scale = "1/100"', "quantities.energy.function", "3, 4"),
    ('type = "u32"', 'type = "bcd"', "quantities.energy.registers", "from 1 to 4"),
    ('type = "i16"', 'type = "i16", wraps_at = 9', "quantities.power.wraps_at", "no width"),
    ("function = 6", "function = 7", "relay.function", "6, 16"),
    ("closed = [1]", "closed = [1, 2]", "relay.closed", "exactly 1"),
    ("open = [0]", "open = [1]", "relay.open", "the same as"),
    ('readback = "none"', "", "relay.readback", "contact, none"),
    ('readback = "none"', 'readback = "contact"', "relay.contact", "table"),
    ('readback = "none"', 'readback = "none"\nrelease_mask = [1]', "relay.release_mask", "no `release`"),
    ("phases = 1", 'phases = 1\nserial = "0x0100"', "serial", "table"),
    ("phases = 1", "phases = 1\nareas = [{first = 9, last = 8}]", "areas[0].last", "from 0x0009 on"),
    ("[line]", '[clock]\naddress = 1\nencoding = "bcd"\nbytes = ["second"]\n[line]', "clock.bytes", "even number"),
    ("[line]", '[prepaid]\ngrade = "tool"\nballance = {}\n[line]', "prepaid.ballance", "right would be balance"),
]


@pytest.mark.parametrize(("right", "wrong", "key", "reason"), WRONG, ids=[row[1] or row[2] for row in WRONG])
def test_each_mistake_names_its_key_and_what_would_be_right(right: str, wrong: str, key: str, reason: str) -> None:
    assert right in PLAIN
    mistakes = mistakes_of(PLAIN.replace(right, wrong, 1))
    assert key in mistakes
    assert reason in str(mistakes[key].reason)


def test_text_that_is_no_toml() -> None:
    assert "not TOML" in str(mistakes_of("format = = 1")["(file)"].reason)


def test_blocks_that_could_be_taken_for_each_other_are_a_mistake_until_an_area_helps() -> None:
    alike = (
        PLAIN.replace('power = { address = 0x0102, type = "i16", unit = "W" }', "")
        .replace("closed = [1]\nopen = [0]", "closed = [1, 1]\nopen = [1, 0]")
        .replace("function = 6", "function = 16")
    )
    mistake = mistakes_of(alike)["areas"]
    assert "could not be told from" in str(mistake.reason)
    helped = alike.replace("[line]", "areas = [{ first = 0x0100, last = 0x0110 }]\n[line]")
    counts = [block.count for block in plan_blocks(load_profile(helped, "site_n1")).enforcement]
    assert sorted(counts) == [2, 3]


@pytest.mark.parametrize("name", builtin_names())
def test_our_own_load_and_every_block_of_a_meter_has_its_own_tag(name: str) -> None:
    profile = builtin_profile(name)
    plan = plan_blocks(profile)
    tags = [block.tag for block in plan.blocks]
    assert len(tags) == len(set(tags))
    assert all(block.count <= profile.longest_read for block in plan.blocks)
    covered = {quantity.key for block in plan.enforcement + plan.details for quantity in block.quantities}
    rates = {rate.key for rate in profile.rates.values()}
    assert covered == {profile.energy.key, *profile.quantities, *rates}


def test_the_three_of_the_first_street_are_there() -> None:
    assert {"acrel_adf400l_1ph", "acrel_adf400l_3ph", "acrel_dtsy1352"} <= set(builtin_names())


@pytest.mark.parametrize(
    ("name", "address", "closed", "opened"),
    [
        ("acrel_adf400l_1ph", 0x0801, (0x0101,), (0x0100,)),
        ("acrel_adf400l_3ph", 0x0804, (0x0101,), (0x0100,)),
        ("acrel_dtsy1352", 0x0057, (1, 0), (1, 1)),
    ],
)
def test_relay_words_are_those_of_the_sources(
    name: str, address: int, closed: tuple[int, ...], opened: tuple[int, ...]
) -> None:
    relay = builtin_profile(name).relay
    assert relay is not None
    assert relay.write_closed == RegisterWrite(16, address, closed)
    assert relay.write_open == RegisterWrite(16, address, opened)
    assert relay.contact is None


def test_what_no_source_tells_is_left_out() -> None:
    assert "power_w" not in builtin_profile("acrel_dtsy1352").quantities
    assert builtin_profile("acrel_dtsy1352").clock is None
    assert builtin_profile("acrel_adf400l_3ph").prepaid_grade is Grade.INFERRED


def test_a_make_that_nobody_here_has_seen_needs_no_code() -> None:
    """Low word first, floats, function 4, BCD, unlock sequence, a contact of either polarity, even reads."""
    profile = load_profile(UNSEEN, "elsewhere_e3")
    assert profile.energy.word_order is WordOrder.LOW_FIRST
    assert profile.energy.wrap is None
    assert profile.quantities["power_w"].ratio is Ratio.CT
    assert profile.rates["day"].wrap == 10**9
    assert profile.rates["day"].type is RegisterType.BCD
    assert profile.quantities["voltage_a_mv"].scale == Fraction(100)
    assert profile.relay is not None
    assert profile.relay.unlock == (RegisterWrite(16, 14, (0x0BB8, 0)),)
    assert profile.relay.order is not None
    assert profile.relay.order.function == 1
    plan = plan_blocks(profile)
    assert all(block.count % 2 == 0 for block in plan.blocks if block.function in (3, 4))


def test_a_profile_survives_its_journey_as_text() -> None:
    name = "acrel_adf400l_3ph"
    assert load_profile(builtin_text(name), name) == builtin_profile(name)
    with pytest.raises(KeyError, match="acrel_dtsy1352"):
        builtin_text("acrel_dtsy1353")
