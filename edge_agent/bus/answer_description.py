"""What an answer of a meter says: raw words beside their values, for whoever writes or proves a profile.

Pure: nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.bus.decode import Refused
from edge_agent.bus.meter import BusMeter, Decoded
from protocol.meter_profile.description import INDENT, NAME_WIDTH
from protocol.meter_profile.questions import PlannedRead

REFUSED = "refused: "
WORDS_WIDTH = 20


def describe_answer(meter: BusMeter, read: PlannedRead, words: Sequence[int]) -> list[str]:
    """What an answer says: address, raw words and value of each quantity, the relay, the serial number."""
    block = read.block
    decoded = Decoded()
    meter.decode(block, words, decoded)
    refused = {each.quantity: each.reason for each in decoded.refused}
    rates = {rate.key: name for name, rate in meter.polled.profile.rates.items()}
    lines = []
    for quantity in block.quantities:
        offset = quantity.address - block.address
        raw = words[offset : offset + quantity.registers]
        value = decoded.values.get(quantity.key, decoded.rates_raw_wh.get(rates.get(quantity.key, "")))
        said = f"{REFUSED}{refused[quantity.name]}" if value is None else str(value)
        lines.append(_row(quantity.key, quantity.address, raw, said))
    for name, seen, readback in (
        ("relay, as ordered", decoded.order_register, block.order),
        ("relay, contact", decoded.contact, block.contact),
    ):
        if readback is not None:
            offset = readback.address - block.address
            lines.append(_row(name, readback.address, words[offset : offset + readback.count], str(seen)))
    if read is meter.serial:
        serial = meter.serial_number(words)
        said = f"{REFUSED}{serial.reason}" if isinstance(serial, Refused) else serial
        lines.append(_row("serial", block.address, words, said))
    return lines


def _row(name: str, address: int, raw: Sequence[int], said: str) -> str:
    words = " ".join(f"{word:04X}" for word in raw)
    return f"{INDENT}{name:<{NAME_WIDTH}} {address:04X}  {words:<{WORDS_WIDTH}} {said}"
