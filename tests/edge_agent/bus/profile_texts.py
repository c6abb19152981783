"""Profiles as text that tests change one thing in."""

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
"""

RELAY = """
[relay]
kind = "register"
function = 6
address = 0x0200
closed = [1]
open = [0]
readback = "none"
grade = "manual"
"""

BOARD = """
format = 1
kind = "relay_board"
vendor = "Nobody"
model = "B4"
grade = "manual"
sources = ["a manual"]
channels = 4

[line]
turnaround_ms = 60
silence_ms = 10

[relay]
kind = "coil"
function = 5
address = 0x0010
closed = [1]
open = [0]
readback = "none"
grade = "manual"
"""

ARMABLE = """
format = 1
vendor = "Nobody"
model = "armable"
grade = "manual"
sources = ["provisioning/simulator/armable.py"]
phases = 3

[line]
longest_read = 60
turnaround_ms = 20

[defaults]
word_order = "low_first"

[[areas]]
first = 0x0100
last = 0x010B

[quantities]
energy = { address = 0x0100, type = "u32", scale = "0.01", unit = "kWh" }
power = { address = 0x0102, type = "u32", unit = "W" }
voltage_a = { address = 0x0104, type = "u16", scale = "0.1", unit = "V" }
frequency = { address = 0x0107, type = "u16", scale = "0.01", unit = "Hz" }

[relay]
kind = "register"
function = 6
address = 0x0200
closed = [0x0055]
open = [0x00AA]
arm = [0x0033]
readback = "contact"
grade = "manual"

[[relay.unlock]]
function = 6
address = 0x0201
values = [0x1234]

[relay.contact]
function = 3
address = 0x0109
closed = [1]
open = [0]
"""
