"""What the line itself allows, and what is asked of it."""

METERS = 20
REGISTERS = 60
FIRST_REGISTER = 0x033F
"""Of a three-phase user of an ADF400L, which lists 88 registers from here without a hole."""
UNITS_APART = 3
BAUD = 9_600
BITS_PER_CHARACTER = 10
TURNAROUND_MS = 5
REQUEST_CHARACTERS = 8
REPLY_CHARACTERS = 5 + 2 * REGISTERS
SILENCE_CHARACTERS = 3.5

CHARACTER_S = BITS_PER_CHARACTER / BAUD
READ_S = (REQUEST_CHARACTERS + REPLY_CHARACTERS + 2 * SILENCE_CHARACTERS) * CHARACTER_S + TURNAROUND_MS / 1_000
"""Request, the silence that ends it, turnaround, reply, the silence that ends it."""
CYCLE_S = METERS * READ_S
UNITS = tuple(range(1, 1 + METERS * UNITS_APART, UNITS_APART))

LEAST_EFFICIENCY = 0.98
"""Ours, with no silence broken and no read lost."""
LEVEL = 0.005
"""Two masters within half a percent are level: the rest is the machine's noise."""
