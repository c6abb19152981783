"""Every way in which a profile can be wrong: the change that makes it so, and the key that is named.

Each change is made to one of the examples of `docs/meter-profiles.md`; the page shows what is said.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WrongProfile:
    """`right` is exchanged for `wrong` in the example; `written` is what the page shows of it, where shorter."""

    key: str
    right: str
    wrong: str
    written: str = ""
    example: str = "nx3"

    @property
    def shown(self) -> str:
        """As the page writes it."""
        return self.written or self.wrong


def _nx3(key: str, right: str, wrong: str, written: str = "") -> WrongProfile:
    return WrongProfile(key, right, wrong, written)


def _b4(key: str, right: str, wrong: str, written: str = "") -> WrongProfile:
    return WrongProfile(key, right, wrong, written, "b4")


ENERGY = 'energy = { address = 0x0000, type = "f32", unit = "kWh", ratio = "ct" }'
POWER = 'power = { address = 0x000A, type = "f32", unit = "kW", ratio = "ct" }'
UNLOCK = "unlock = [{ function = 16, address = 0x000E, values = [0x0000, 0x447A] }]"
CONTACT = "contact = { function = 2, address = 0x0000, closed = [1], open = [0] }"

WRONG = (
    _nx3("(file)", 'vendor = "Elsewhere"', "vendor = Elsewhere"),
    _nx3("format", "format = 1", "format = 2"),
    _nx3("kind", "format = 1", 'format = 1\nkind = "relay_board"', 'kind = "relay_board"'),
    _nx3("vendor", 'vendor = "Elsewhere"', 'vendor = ""'),
    _nx3("sources", 'sources = ["Elsewhere, NX-3 User Manual, 2024-03, chapter 7"]', "sources = []"),
    _nx3("grade", 'grade = "manual"\nsources', 'grade = "sure"\nsources', 'grade = "sure"'),
    _nx3("phases", "phases = 3\n", "phases = 4\n", "phases = 4"),
    _nx3("colour", "phases = 3\n", 'phases = 3\ncolour = "grey"\n', 'colour = "grey"'),
    _nx3("line.longest_read", "longest_read = 40\n", "", "no longest_read"),
    _nx3("line.read_multiple", "read_multiple = 2", "read_multiple = 5"),
    _nx3("line.silence_ms", "silence_ms = 30", "silence_ms = 30.5"),
    _nx3("defaults.function", "[defaults]\nfunction = 4", "[defaults]\nfunction = 6", "[defaults] function = 6"),
    _nx3("defaults.word_order", 'word_order = "low_first"', 'word_order = "little"'),
    _nx3("areas[0].last", "first = 0x0000\nlast", "first = 0x0020\nlast", "first = 0x0020, last = 0x001F"),
    _nx3("quantities.energy", f"{ENERGY}\n", "", "no energy"),
    _nx3("quantities.powr", "power = {", "powr = {"),
    _nx3("quantities.energy.address", ENERGY, ENERGY.replace("0x0000", "40001.0"), "address = 40001.0"),
    _nx3("quantities.energy.address", ENERGY, ENERGY.replace("0x0000", "0xFFFF"), "address = 0xFFFF"),
    _nx3("quantities.energy.function", ENERGY, ENERGY.replace("ratio", "function = 1, ratio"), "function = 1"),
    _nx3("quantities.energy.type", ENERGY, ENERGY.replace("f32", "float"), 'type = "float"'),
    _nx3("quantities.energy.registers", ENERGY, ENERGY.replace("f32", "bcd"), 'type = "bcd", no registers'),
    _nx3("quantities.energy.unit", ENERGY, ENERGY.replace("kWh", "kW"), 'unit = "kW"'),
    _nx3("quantities.energy.scale", ENERGY, ENERGY.replace("ratio", "scale = 0.1, ratio"), "scale = 0.1"),
    _nx3(
        "quantities.energy.scale",
        ENERGY,
        ENERGY.replace('"f32"', '"u32", scale = "1/3000000000000"'),
        'type = "u32", scale = "1/3000000000000"',
    ),
    _nx3("quantities.energy.wraps_at", ENERGY, ENERGY.replace("ratio", "wraps_at = 9, ratio"), "wraps_at = 9"),
    _nx3("quantities.energy.ratio", ENERGY, ENERGY.replace('"ct"', '"yes"'), 'ratio = "yes"'),
    _nx3("quantities.energy.type", "longest_read = 40\nread_multiple = 2", "longest_read = 1", "longest_read = 1"),
    _nx3("rates.T1", "t1 = {", "T1 = {"),
    _nx3("prepaid", "phases = 3\n", 'phases = 3\nprepaid = "yes"\n', 'prepaid = "yes"'),
    _nx3("areas", "read_multiple = 2", "read_multiple = 3"),
    _nx3("areas", "[[areas]]\nfunction = 4\nfirst = 0x0000\nlast = 0x001F\n", "", "no areas"),
    _nx3("relay.kind", 'kind = "coil"', 'kind = "switch"'),
    _nx3("relay.function", "function = 5", "function = 6"),
    _nx3("relay.closed", "closed = [0]\nopen", "closed = [0, 0]\nopen", "closed = [0, 0]"),
    _nx3("relay.open", "open = [1]", "open = [0]"),
    _nx3("relay.readback", 'readback = "contact"', 'readback = "yes"'),
    _nx3("relay.readback", 'readback = "contact"', 'readback = "none"', 'readback = "none", and a contact'),
    _nx3("relay.contact", f"{CONTACT}\n", "", 'readback = "contact", no contact'),
    _nx3(
        "relay.contact.open", CONTACT, CONTACT.replace("open = [0]", "open = [1]"), "contact: closed = [1], open = [1]"
    ),
    _nx3("relay.contact.function", CONTACT, CONTACT.replace("2", "5", 1), "contact: function = 5"),
    _nx3("relay.release_mask", "settle_ms = 300", "release_mask = [1]"),
    _nx3("relay.arm", "settle_ms = 300", "arm = [0]"),
    _nx3("relay.order_readable", "settle_ms = 300", 'order_readable = "no"'),
    _nx3("relay.unlock[0].function", UNLOCK, UNLOCK.replace("16", "3", 1), "unlock: function = 3"),
    _nx3(
        "relay.unlock[0].send",
        UNLOCK,
        'unlock = [{ function = 0x28, send = "FE01 1", answer = "FE01" }]',
        'unlock: function = 0x28, send = "FE01 1"',
    ),
    _nx3("relay.unlock", UNLOCK, "unlock = 4"),
    _nx3("clock.bytes", '"minute", "second"]', '"minute"]', "bytes: five names"),
    _nx3(
        "unit_id.write_function",
        "[serial]",
        '[unit_id]\naddress = 20\ntype = "f32"\ngrade = "manual"\nwrite_function = 6\n[serial]',
        "write_function = 6, a float",
    ),
    _nx3(
        "unit_id.unlock",
        "[serial]",
        '[unit_id]\naddress = 20\ntype = "u16"\ngrade = "manual"\n'
        'unlock = [{ function = 0x28, send = "FE01", answer = "FE01" }]\n[serial]',
        "unit_id, unlock: function = 0x28",
    ),
    _nx3("serial.registers", 'encoding = "ascii"', 'encoding = "u32"'),
    _nx3("prepaid.ballance", "[serial]", '[prepaid]\ngrade = "tool"\nballance = {}\n[serial]', "ballance = {}"),
    _b4("kind", 'kind = "relay_board"\n', "", "a board, no kind"),
    _b4("channels", "channels = 4", "channels = 65"),
    _b4("relay", "[relay]", "[relays]"),
    _b4("relay.address", "address = 0x0010", "address = 0xFFFD"),
    _b4("relay.release", 'readback = "none"', 'readback = "none"\nrelease = [1]', "release = [1]"),
    _b4(
        "channels",
        'kind = "coil"\nfunction = 5\naddress = 0x0010\nclosed = [1]\nopen = [0]',
        f'kind = "register"\nfunction = 16\naddress = 0\nclosed = {[1] * 32}\nopen = {[0] * 32}',
        "closed, open: 32 words",
    ),
    _b4(
        "relay.contact",
        'readback = "none"',
        'readback = "contact"\ncontact = { function = 1, address = 0, closed = [1], open = [0] }',
        "contact: function = 1",
    ),
)
